"""Durable forwarding, ours and the peers in turn: 100 publishers, 200-byte packs, QoS 1.

Rate: all packs from the first sending to the last arrival at the centre and, where there are
acknowledgements by name, the last of them at its node.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from haidang_tools.fleet_link import FleetLink, Shore
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import node_id, readings

from bench import parts, stand
from bench.forward_centre import CountingCentre
from bench.forward_ways import Bridge, Ours, Way, authority, cpu_s, rss_mb, written_bytes

PUBLISHERS = 100
_LIMIT_S = 120.0
_EPOCH = "9f3c01aa"
Run = dict[str, float]


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
            found |= _race(folder, ca, publishers, count, rounds)
        if not quick and not n:
            for rate, total in ((50, 500), (1000, 5000)):
                found |= _paced(folder, ca, publishers, rate, total)
    return found


def _race(folder: Path, ca: Path, publishers: int, n: int, rounds: int) -> parts.Figures:
    runs: dict[str, list[Run]] = {"ours": [], "bridge": []}
    for turn in range(rounds):
        for name, way in _ways(folder, ca, publishers, f"{n}-{turn}").items():
            run = _run(way, ca, publishers, n)
            parts.LOG.info("%s n=%s: %s", name, n, json.dumps(run))
            runs[name].append(run)
    ours, bridge = runs["ours"], runs["bridge"]
    rate, bridge_rate = _median(ours, "msgs_per_s"), _median(bridge, "msgs_per_s")
    disk, bridge_disk = _median(ours, "disk_bytes"), _median(bridge, "disk_bytes")
    tag = f"{n}"
    return {
        f"decoded_{tag}": min(int(run["received"]) for run in ours),
        f"acked_{tag}": min(int(run["acked"]) for run in ours),
        f"lost_{tag}": sum(int(run["lost"]) for run in ours),
        f"bridge_lost_{tag}": sum(int(run["lost"]) for run in bridge),
        f"ours_msgs_per_s_{tag}": round(rate),
        f"bridge_lossless_msgs_per_s_{tag}": round(bridge_rate),
        f"ours_to_bridge_{tag}": round(rate / bridge_rate, 2),
        f"disk_bytes_per_msg_{tag}": round(disk),
        f"bridge_disk_bytes_per_msg_{tag}": round(bridge_disk),
        f"disk_to_bridge_{tag}": round(disk / bridge_disk, 4) if bridge_disk else None,
        f"ours_cpu_s_per_10k_{tag}": round(_median(ours, "cpu_forwarder"), 2),
        f"ours_broker_cpu_s_per_10k_{tag}": round(_median(ours, "cpu_broker"), 2),
        f"bridge_cpu_s_per_10k_{tag}": round(_median(bridge, "cpu_broker"), 2),
        f"ours_rss_mb_{tag}": round(max(run["rss_mb"] for run in ours), 1),
    }


def _paced(folder: Path, ca: Path, publishers: int, rate: int, total: int) -> parts.Figures:
    """Processor time and bytes at a steady rate, ours with its defaults, and the bridge."""
    ours = Ours(folder / f"paced-{rate}", ca, publishers, commit_ms=1000, batch_s=5.0)
    bridge = Bridge(folder / f"paced-bridge-{rate}", ca)
    found: parts.Figures = {}
    ways: tuple[tuple[str, Way], ...] = (("ours", ours), ("bridge", bridge))
    for name, way in ways:
        run = _run(way, ca, publishers, total, rate)
        parts.LOG.info("%s at %s/s: %s", name, rate, json.dumps(run))
        found |= {
            f"{name}_cpu_s_per_10k_at_{rate}": round(run["cpu_forwarder"] + run["cpu_broker"], 2),
            f"{name}_disk_bytes_per_msg_at_{rate}": round(run["disk_bytes"]),
            f"{name}_lost_at_{rate}": run["lost"],
        }
    return found


def _ways(folder: Path, ca: Path, publishers: int, tag: str) -> dict[str, Way]:
    return {
        "bridge": Bridge(folder / f"bridge-{tag}", ca),
        "ours": Ours(folder / f"ours-{tag}", ca, publishers),
    }


def _run(way: Way, ca: Path, publishers: int, n: int, rate: float = 0.0) -> Run:
    try:
        way.start()
        return asyncio.run(_measure(way, ca, publishers, n, rate))
    finally:
        way.stop()


async def _measure(way: Way, ca: Path, publishers: int, n: int, rate: float) -> Run:
    centre = CountingCentre(ca, way.far.port, list(way.filters))
    shore = Shore(
        host="127.0.0.1", port=way.near.port, ca=ca, puback_is_enough=way.puback_is_enough
    )
    nodes = [SimNode(node_id(number + 1), _EPOCH) for number in range(publishers)]
    freed = Freed()
    links = [FleetLink(node.id, [node], shore, freed.add) for node in nodes]
    tasks = [asyncio.create_task(link.run(), name="link") for link in links]
    tasks.append(asyncio.create_task(centre.run(), name="centre"))
    try:
        async with asyncio.timeout(_LIMIT_S):
            await asyncio.gather(centre.ready.wait(), *(link.ready.wait() for link in links))
            packs = _packs(nodes, n)
            pids = way.pids()
            before = {name: cpu_s(pid) for name, pid in pids.items()}
            written = sum(written_bytes(pid) for pid in pids.values())
            began_s = time.monotonic()
            await _feed(nodes, links, packs, rate, began_s)
            await _until(lambda: len(centre.names) >= n and freed.count >= n)
    except TimeoutError:
        parts.LOG.warning("%s of %s came", len(centre.names), n)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    took_s = max(centre.last_s, freed.last_s) - began_s
    per_10k = {name: (cpu_s(pid) - before[name]) / n * 1e4 for name, pid in pids.items()}
    return {
        "msgs_per_s": len(centre.names) / took_s,
        "received": len(centre.names),
        "acked": freed.count,
        "lost": n - len(centre.names),
        "copies": centre.copies,
        "sent_again": sum(node.sent for node in nodes) - n,
        "cpu_forwarder": per_10k.get("forwarder", 0.0),
        "cpu_broker": per_10k["broker"],
        "disk_bytes": (sum(written_bytes(pid) for pid in pids.values()) - written) / n,
        "rss_mb": rss_mb(pids.get("forwarder", pids["broker"]), "VmHWM"),
    }


class Freed:
    """Counts what nodes may forget."""

    def __init__(self) -> None:
        self.count = 0
        self.last_s = 0.0

    def add(self, count: int) -> None:
        """So many more."""
        if count:
            self.count += count
            self.last_s = time.monotonic()


def _packs(nodes: list[SimNode], n: int) -> list[tuple[SimNode, bytes]]:
    now_ms = time.time_ns() // 1_000_000
    each = -(-n // len(nodes))
    made = [
        (node, readings(node.id, node.epoch, node.boot, seq, now_ms + seq))
        for seq in range(each)
        for node in nodes
    ]
    return made[:n]


async def _feed(
    nodes: list[SimNode],
    links: list[FleetLink],
    packs: list[tuple[SimNode, bytes]],
    rate: float,
    began_s: float,
) -> None:
    by_node = dict(zip(nodes, links, strict=True))
    if not rate:
        for node, payload in packs:
            node.keep("data", payload)
        for link in links:
            link.pump()
        return
    for number, (node, payload) in enumerate(packs):
        await asyncio.sleep(max(0.0, began_s + number / rate - time.monotonic()))
        node.keep("data", payload)
        by_node[node].pump()


async def _until(look: Callable[[], bool]) -> None:
    while not look():  # noqa: ASYNC110 (counters of two sides, nobody's event)
        await asyncio.sleep(0.005)


def _median(runs: list[Run], name: str) -> float:
    return statistics.median(run[name] for run in runs)


if __name__ == "__main__":
    parts.main(figures, n=0, rounds=3)
