"""Durable forwarding, ours and the bridge in turn: 100 publishers, 200-byte packs, QoS 1.

Rate: all packs from the first sending to the last arrival at the centre and, where there are
acknowledgements by name, the last of them at its node. What a node has due goes out in one write,
which the bridge saves once, and is the fastest that publishers can be; then (`apart`) packet by
packet, as the firmware writes; then (`window_10`) with at most 10 packs of a node under way to
its broker, as publishers of other benches hold it.
"""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from bench import parts, stand
from bench.forward_fleet import PUBLISHERS, Costs, Fleet, Run, until
from bench.forward_publisher import Writing
from bench.forward_ways import Bridge, Ours, Way, authority

_LIMIT_S = 120.0
_AT_ONCE = Writing()
_WRITINGS = (_AT_ONCE, Writing(apart=True))
# At 20,000 it would take another minute, to say the same.
_BOUNDED, _BOUNDED_MOST = Writing(window=10), 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many packs of so many publishers: at `rate` a second, 0: all at once."""

    publishers: int
    n: int
    rate: float = 0.0
    writing: Writing = _AT_ONCE

    @property
    def tag(self) -> str:
        """What the names of its figures end in."""
        return f"{self.writing.tag}{self.n}"


def figures(
    n: int = 0, rounds: int = 3, quick: bool = False, publishers: int = PUBLISHERS
) -> parts.Figures:
    """At 5,000 and 20,000 packs; `n` another number alone."""
    counts = [n] if n else [500] if quick else [5_000, 20_000]
    rounds = 1 if quick else rounds
    publishers = 10 if quick else publishers
    found: parts.Figures = {"publishers": publishers, "rounds": rounds}
    with stand.scratch("forward") as folder:
        ca = authority(folder, publishers)
        for count in counts:
            bounded = (_BOUNDED,) if count <= _BOUNDED_MOST else ()
            for writing in (*_WRITINGS, *bounded):
                load = Load(publishers=publishers, n=count, writing=writing)
                found |= _race(folder, ca, load, rounds)
        if not quick and not n:
            for rate, total in ((50, 500), (1000, 5000)):
                found |= _paced(folder, ca, publishers, rate, total)
    return found


def _race(folder: Path, ca: Path, load: Load, rounds: int) -> parts.Figures:
    scene = folder / load.tag
    runs: dict[str, list[Run]] = {"ours": [], "bridge": []}
    for turn in range(rounds):
        for name, way in ways(scene / f"{turn}", ca, load.publishers).items():
            found = run(way, ca, load)
            parts.LOG.info("%s %s: %s", name, scene.name, json.dumps(found))
            runs[name].append(found)
    return compared(runs, load.tag)


def compared(runs: dict[str, list[Run]], tag: str) -> parts.Figures:
    """Medians of both, and ours by the bridge's; each name ends in `tag`."""
    ours, bridge = runs["ours"], runs["bridge"]
    rate, bridge_rate = median(ours, "msgs_per_s"), median(bridge, "msgs_per_s")
    disk, bridge_disk = median(ours, "disk_bytes"), median(bridge, "disk_bytes")
    return {
        f"decoded_{tag}": min(int(run["received"]) for run in ours),
        f"acked_{tag}": min(int(run["acked"]) for run in ours),
        f"lost_{tag}": sum(int(run["lost"]) for run in ours),
        f"copies_{tag}": sum(int(run["copies"]) for run in ours),
        f"bridge_lost_{tag}": sum(int(run["lost"]) for run in bridge),
        f"ours_msgs_per_s_{tag}": round(rate),
        f"bridge_lossless_msgs_per_s_{tag}": round(bridge_rate),
        f"ours_to_bridge_{tag}": round(rate / bridge_rate, 2) if bridge_rate else None,
        f"disk_bytes_per_msg_{tag}": round(disk),
        f"bridge_disk_bytes_per_msg_{tag}": round(bridge_disk),
        f"disk_to_bridge_{tag}": round(disk / bridge_disk, 4) if bridge_disk else None,
        f"ours_cpu_s_per_10k_{tag}": round(median(ours, "cpu_forwarder"), 2),
        f"ours_broker_cpu_s_per_10k_{tag}": round(median(ours, "cpu_broker"), 2),
        f"bridge_cpu_s_per_10k_{tag}": round(median(bridge, "cpu_broker"), 2),
        f"driver_cpu_s_per_10k_beside_ours_{tag}": round(median(ours, "cpu_driver"), 2),
        f"driver_cpu_s_per_10k_beside_bridge_{tag}": round(median(bridge, "cpu_driver"), 2),
        f"ours_rss_mb_{tag}": round(max(run["rss_mb"] for run in ours), 1),
    }


def _paced(folder: Path, ca: Path, publishers: int, rate: int, total: int) -> parts.Figures:
    """Processor time and bytes at a steady rate, ours with its defaults, and the bridge."""
    ours = Ours(folder / f"paced-{rate}", ca, publishers, commit_ms=1000, batch_s=5.0)
    bridge = Bridge(folder / f"paced-bridge-{rate}", ca)
    found: parts.Figures = {}
    both: tuple[tuple[str, Way], ...] = (("ours", ours), ("bridge", bridge))
    for name, way in both:
        cost = run(way, ca, Load(publishers=publishers, n=total, rate=rate))
        parts.LOG.info("%s at %s/s: %s", name, rate, json.dumps(cost))
        cpu_s = cost["cpu_forwarder"] + cost["cpu_broker"]
        found |= {
            f"{name}_cpu_s_per_10k_at_{rate}": round(cpu_s, 2),
            f"{name}_disk_bytes_per_msg_at_{rate}": round(cost["disk_bytes"]),
            f"{name}_lost_at_{rate}": cost["lost"],
        }
    return found


def ways(folder: Path, ca: Path, publishers: int) -> dict[str, Way]:
    """The two in turn, each with its own brokers."""
    return {
        "bridge": Bridge(folder / "bridge", ca),
        "ours": Ours(folder / "ours", ca, publishers),
    }


def run(way: Way, ca: Path, load: Load) -> Run:
    """One round: start, forward, stop."""
    try:
        way.start()
        return asyncio.run(_measure(way, ca, load))
    finally:
        way.stop()


async def _measure(way: Way, ca: Path, load: Load) -> Run:
    n = load.n
    async with Fleet(way, ca, load.publishers, load.writing) as fleet:
        began_s = 0.0
        try:
            async with asyncio.timeout(_LIMIT_S):
                await fleet.ready()
                packs = fleet.packs(n)
                costs = Costs(way)
                began_s = time.monotonic()
                await fleet.feed(packs, load.rate)
                await until(lambda: len(fleet.centre.names) >= n and fleet.freed.count >= n)
        except TimeoutError:
            parts.LOG.warning("%s of %s came", len(fleet.centre.names), n)
    came = len(fleet.centre.names)
    return {
        "msgs_per_s": came / (max(fleet.centre.last_s, fleet.freed.last_s) - began_s),
        "received": came,
        "acked": fleet.freed.count,
        "lost": n - came,
        "copies": fleet.centre.copies,
        "sent_again": fleet.sent - n,
        **costs.per_message(n),
    }


def median(runs: list[Run], name: str) -> float:
    """Of one figure over the rounds."""
    return statistics.median(run[name] for run in runs)


if __name__ == "__main__":
    parts.main(figures, n=0, rounds=3)
