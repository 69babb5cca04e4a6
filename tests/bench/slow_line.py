"""Alarms beside a backlog on slow lines: how long they take, and what of the line is used.

`python -m bench.slow_line [--packs 100000] [--alarms 20] [--kbit 0] [--deflate 0]`: the real
gateway between two real brokers; the line to the centre is throttled and 300 ms long each way.
`copies` are packs that came to the centre more than once: before, and from when it was stopped
for 20 s.
"""

import asyncio
import json
import random
import shutil
import statistics
import time
from pathlib import Path

from haidang_tools.fault_proxy import FaultProxy
from haidang_tools.fleet_link import FleetLink, Shore
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import node_id

from bench import parts, stand
from bench.forward_alarms import fill, one_alarm, quantile
from bench.forward_centre import CountingCentre
from bench.forward_ways import Ours, authority

_KBITS = (256, 64, 32)
_LATENCY_S = 0.3
_LIMIT_S = 60.0
# Until the line is full of data: what is measured is the middle of a drain.
_WARM_S = 10.0
_PAUSE_S = (0.5, 2.0)
_STOPPED_S = 20.0
# All that was sent meanwhile, and sent again, has come by then.
_AFTER_S = 20.0
_EPOCH = "9f3c01aa"


def figures(
    packs: int = 100_000,
    alarms: int = 20,
    kbit: int = 0,
    deflate: int = 0,
    quick: bool = False,
) -> parts.Figures:
    """Each rate in turn; `kbit` another one alone; `deflate` 1: the centre takes zlib."""
    packs, alarms = (2_000, 2) if quick else (packs, alarms)
    latency_ms = round(_LATENCY_S * 1000)
    found: parts.Figures = {"packs": packs, "latency_ms": latency_ms, "deflate": deflate}
    with stand.scratch("slow") as folder:
        ca = authority(folder, alarms + 1)
        asyncio.run(fill(folder / "full", packs))
        for rate in (kbit,) if kbit else _KBITS:
            way = Ours(folder / str(rate), ca, alarms + 1)
            way.folder.mkdir(parents=True)
            shutil.copytree(folder / "full", way.folder / "gateway")
            found |= {
                f"{name}_{rate}": value
                for name, value in _run(way, ca, rate, alarms, deflate).items()
            }
    return found


def _run(way: Ours, ca: Path, kbit: int, alarms: int, deflate: int) -> parts.Figures:
    try:
        way.near.start()
        way.far.start()
        with FaultProxy(way.far.port) as line:
            line.bytes_per_s = kbit * 125
            line.latency_s = _LATENCY_S
            way.write_settings(line.port)
            _settle(way.folder / "gateway.toml", deflate)
            way.start_gateway()
            return asyncio.run(_measure(way, ca, line, alarms))
    finally:
        way.stop()


def _settle(path: Path, deflate: int) -> None:
    # Nodes that send nothing but one alarm are not to be missed.
    text = path.read_text(encoding="utf-8").replace("heartbeat_s = 30", "heartbeat_s = 600")
    if deflate:
        text = text.replace("[centre]\n", "[centre]\ndeflate = true\n")
    path.write_text(text, encoding="utf-8")


async def _measure(way: Ours, ca: Path, line: FaultProxy, alarms: int) -> parts.Figures:
    centre = CountingCentre(ca, way.far.port, list(way.filters))
    shore = Shore(host="127.0.0.1", port=way.near.port, ca=ca)
    began_ms = time.time_ns() // 1_000_000
    nodes = [SimNode(node_id(n + 2), _EPOCH, began_ms=began_ms) for n in range(alarms)]
    links = [FleetLink(node.id, [node], shore) for node in nodes]
    tasks = [asyncio.create_task(link.run(), name="link") for link in links]
    tasks.append(asyncio.create_task(centre.run(), name="centre"))
    pauses = random.Random(7)
    times_ms: list[float] = []
    try:
        async with asyncio.timeout(_LIMIT_S):
            await asyncio.gather(centre.ready.wait(), *(link.ready.wait() for link in links))
            while not centre.names:  # noqa: ASYNC110 - what another process does
                await asyncio.sleep(0.05)
        await asyncio.sleep(_WARM_S)
        began_s, bytes_before, packs_before = time.monotonic(), line.bytes_up, len(centre.names)
        for node, link in zip(nodes, links, strict=True):
            await asyncio.sleep(pauses.uniform(*_PAUSE_S))
            if (took_ms := await one_alarm(centre, node, link, _LIMIT_S)) is not None:
                times_ms.append(took_ms)
        took_s = time.monotonic() - began_s
        carried, packs = line.bytes_up - bytes_before, len(centre.names) - packs_before
        copies = centre.copies
        await centre.stopped(_STOPPED_S)
        await asyncio.sleep(_AFTER_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    sizes = [len(payload) for _at_s, _topic, payload in centre.alarms]
    parts.LOG.info("%s B/s: %s ms", line.bytes_per_s, json.dumps([round(ms) for ms in times_ms]))
    parts.LOG.info("%s connections, alarms of %s bytes", line.connections, sizes)
    assert line.bytes_per_s is not None
    return {
        "alarm_p50_ms": round(statistics.median(times_ms)),
        "alarm_p99_ms": round(quantile(times_ms, 0.99)),
        "alarms_missing": alarms - len(times_ms),
        "line_used": round(carried / took_s / line.bytes_per_s, 3),
        "packs_per_s": round(packs / took_s, 1),
        "bytes_per_pack": round(carried / max(1, packs)),
        "copies": copies,
        "copies_of_a_stop": centre.copies - copies,
        "connections": line.connections,
    }


if __name__ == "__main__":
    parts.main(figures, packs=100_000, alarms=20, kbit=0, deflate=0)
