"""Forwarding after an outage: the centre's broker is away while packs are published, then back.

Ours and the bridge in turn. Nodes write packet by packet, as real ones do, and all packs are
accepted durably before the broker comes back. Rate: all packs from the first publish to the last
arrival at the centre. How long each takes to find the broker again (`back_s`) is part of that;
`moving` leaves it out: accepting and draining alone.
"""

import asyncio
import json
import time
from pathlib import Path

from bench import parts, stand
from bench.forward_fleet import PUBLISHERS, Costs, Fleet, Run, until
from bench.forward_publisher import Writing
from bench.forward_race import compared, median, ways
from bench.forward_ways import Way, authority

_LIMIT_S = 240.0
# Until both ends of every connection with the stopped broker know.
_SETTLE_S = 0.5


def figures(n: int = 0, rounds: int = 3, quick: bool = False) -> parts.Figures:
    """At 5,000 and 20,000 packs; `n` another number alone."""
    counts = [n] if n else [300] if quick else [5_000, 20_000]
    publishers = 10 if quick else PUBLISHERS
    found: parts.Figures = {"held_rounds": 1 if quick else rounds}
    with stand.scratch("held") as folder:
        ca = authority(folder, publishers)
        for count in counts:
            found |= _outages(folder, ca, publishers, count, 1 if quick else rounds)
    return found


def _outages(folder: Path, ca: Path, publishers: int, n: int, rounds: int) -> parts.Figures:
    runs: dict[str, list[Run]] = {"ours": [], "bridge": []}
    for turn in range(rounds):
        for name, way in ways(folder / f"{n}-{turn}", ca, publishers).items():
            run = _run(way, ca, publishers, n)
            parts.LOG.info("%s held n=%s: %s", name, n, json.dumps(run))
            runs[name].append(run)
    found = compared(runs, f"held_{n}")
    for name, of in runs.items():
        found |= {
            f"{name}_accepted_per_s_held_{n}": round(median(of, "accepted_per_s")),
            f"{name}_moving_msgs_per_s_held_{n}": round(median(of, "moving_per_s")),
            f"{name}_back_s_held_{n}": round(median(of, "back_s"), 2),
            f"{name}_drain_s_held_{n}": round(median(of, "drain_s"), 2),
        }
    return found


def _run(way: Way, ca: Path, publishers: int, n: int) -> Run:
    try:
        way.start()
        return asyncio.run(_measure(way, ca, publishers, n))
    finally:
        way.stop()


async def _measure(way: Way, ca: Path, publishers: int, n: int) -> Run:
    async with Fleet(way, ca, publishers, Writing(apart=True)) as fleet:
        names = fleet.centre.names
        began_s = accepted_s = first_s = 0.0
        try:
            async with asyncio.timeout(_LIMIT_S):
                await fleet.ready()
                way.far.stop()
                await asyncio.sleep(_SETTLE_S)
                packs = fleet.packs(n)
                costs = Costs(way)
                began_s = time.monotonic()
                await fleet.feed(packs)
                await until(lambda: fleet.freed.count >= n)
                accepted_s = fleet.freed.last_s
                assert not names, "the centre was not away"
                way.far.start()
                back_s = time.monotonic()
                await until(lambda: len(names) > 0)
                first_s = time.monotonic()
                await until(lambda: len(names) >= n)
        except TimeoutError:
            parts.LOG.warning("%s of %s came, %s accepted", len(names), n, fleet.freed.count)
    drain_s = max(0.0, fleet.centre.last_s - first_s)
    return {
        "msgs_per_s": len(names) / (fleet.centre.last_s - began_s) if names else 0.0,
        "moving_per_s": len(names) / (accepted_s - began_s + drain_s) if names else 0.0,
        "received": len(names),
        "acked": fleet.freed.count,
        "lost": fleet.freed.count - len(names),
        "copies": fleet.centre.copies,
        "accepted_per_s": n / (accepted_s - began_s) if accepted_s else 0.0,
        "back_s": first_s - back_s if first_s else -1.0,
        "drain_s": drain_s,
        **costs.per_message(n),
    }


if __name__ == "__main__":
    parts.main(figures, n=0, rounds=3)
