"""From the return of the centre's broker to the first alarm there, for outages of several lengths.

`python -m bench.reconnect [--rounds 5]`: store, forwarder and client as the gateway runs them, a
real broker that is stopped while an alarm waits. What is measured is the rule of redialling: the
wait until the next dial and a handshake. `half_open`: the line takes all and moves nothing, new
ones work; the time is from the alarm's commit.
"""

import asyncio
import statistics
import time
from pathlib import Path

from haidang_tools.brokers import Broker
from haidang_tools.fault_proxy import FaultProxy
from running_uplink import RunningUplink

from bench import parts, stand
from bench.forward_ways import authority

_OUTAGES_S = (1, 4, 12, 35)
_LIMIT_S = 90.0
_TICK_S = 0.005


def figures(rounds: int = 5, quick: bool = False) -> parts.Figures:
    """Median and longest seconds for each length of outage, and for a half-open line."""
    rounds, outages_s = (1, (1,)) if quick else (rounds, _OUTAGES_S)
    found: parts.Figures = {"rounds": rounds}
    with stand.scratch("reconnect") as folder:
        ca = authority(folder, 1)
        for away_s in outages_s:
            took = [
                asyncio.run(_outage(folder / f"{away_s}-{turn}", ca, away_s))
                for turn in range(rounds)
            ]
            parts.LOG.info("away for %s s: %s", away_s, [round(one, 2) for one in took])
            found |= _summed(f"back_s_{away_s}", took)
        if not quick:
            took = [asyncio.run(_half_open(folder / f"half-{n}", ca)) for n in range(2)]
            parts.LOG.info("half-open: %s", [round(one, 2) for one in took])
            found |= _summed("half_open_s", took)
    return found


def _summed(name: str, took_s: list[float]) -> parts.Figures:
    return {name: round(statistics.median(took_s), 2), f"{name}_longest": round(max(took_s), 2)}


async def _outage(folder: Path, ca: Path, away_s: float) -> float:
    with Broker("centre", ca, folder / "broker") as broker:
        uplink = RunningUplink(ca, folder, broker.port)
        async with asyncio.timeout(_LIMIT_S), uplink.running():
            await uplink.client.connected.wait()
            await asyncio.to_thread(broker.kill)
            await uplink.make("alarm")
            await asyncio.sleep(away_s)
            await asyncio.to_thread(broker.start)
            began_s = time.monotonic()
            await _sent(uplink)
            return time.monotonic() - began_s


async def _half_open(folder: Path, ca: Path) -> float:
    with Broker("centre", ca, folder / "broker") as broker, FaultProxy(broker.port) as line:
        uplink = RunningUplink(ca, folder, line.port)
        async with asyncio.timeout(_LIMIT_S), uplink.running():
            await uplink.client.connected.wait()
            line.forget()
            await uplink.make("alarm")
            began_s = time.monotonic()
            await _sent(uplink)
            return time.monotonic() - began_s


async def _sent(uplink: RunningUplink) -> None:
    # Nobody is subscribed: the broker says so of what has come.
    while not uplink.client.unheard:  # noqa: ASYNC110 - counted by a callback
        await asyncio.sleep(_TICK_S)


if __name__ == "__main__":
    parts.main(figures, rounds=5)
