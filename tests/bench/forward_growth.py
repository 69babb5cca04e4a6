"""Processor and memory for 100, 1,000 and 5,000 nodes at one pack a minute each.

What costs is the rate of packs and the number of nodes known: each node really exists (its own
outbox, epoch, status and ledger entry); all speak over one connection, since mosquitto's sockets
are not what is measured. A run lasts `seconds` in real time at the true rate, nodes / 60 packs a
second, after every node has spoken once.
"""

import asyncio
import json
import time
from pathlib import Path

from haidang_tools.fleet_link import FleetLink, Shore
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import Maker, node_id

from bench import parts, stand
from bench.forward_centre import CountingCentre
from bench.forward_ways import Ours, authority, cpu_s, rss_mb, written_bytes

_SIZES = (100, 1_000, 5_000)
_EPOCH = "9f3c01aa"
_LIMIT_S = 120.0
_PACKS_A_MINUTE = 1 / 60


def figures(seconds: int = 20, quick: bool = False) -> parts.Figures:
    """One gateway for each size."""
    found: parts.Figures = {"growth_seconds": 2 if quick else seconds}
    with stand.scratch("growth") as folder:
        ca = authority(folder, 1)
        for size in (20,) if quick else _SIZES:
            run = _run(folder, ca, size, 2.0 if quick else float(seconds))
            parts.LOG.info("growth %s: %s", size, json.dumps(run))
            found |= {f"growth_{size}_{name}": value for name, value in run.items()}
    return found


def _run(folder: Path, ca: Path, size: int, seconds: float) -> parts.Figures:
    way = Ours(folder / f"growth-{size}", ca, size, commit_ms=1000, batch_s=5.0)
    try:
        way.start()
        return asyncio.run(_measure(way, ca, size, seconds))
    finally:
        way.stop()


async def _measure(way: Ours, ca: Path, size: int, seconds: float) -> parts.Figures:
    centre = CountingCentre(ca, way.far.port, list(way.filters))
    began_ms = time.time_ns() // 1_000_000
    nodes = [SimNode(node_id(n + 1), _EPOCH, began_ms=began_ms) for n in range(size)]
    shore = Shore(host="127.0.0.1", port=way.near.port, ca=ca, heartbeat_s=3600)
    link = FleetLink("centre-fleet", nodes, shore)
    tasks = [
        asyncio.create_task(link.run(), name="link"),
        asyncio.create_task(centre.run(), name="centre"),
    ]
    maker = Maker(0)
    pid = way.gateway.pid
    try:
        async with asyncio.timeout(_LIMIT_S + seconds):
            await asyncio.gather(centre.ready.wait(), link.ready.wait())
            for node in nodes:
                maker.make(node)
            await _delivered(link, nodes)
            began_s, cpu, written, made = time.monotonic(), cpu_s(pid), written_bytes(pid), 0
            while (passed_s := time.monotonic() - began_s) < seconds:
                due = int(passed_s * size * _PACKS_A_MINUTE)
                for number in range(made, due):
                    maker.make(nodes[number % size])
                made = max(made, due)
                link.pump()
                await asyncio.sleep(0.02)
            await _delivered(link, nodes)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    took_s = time.monotonic() - began_s
    return {
        "packs": made,
        "cpu_percent": round((cpu_s(pid) - cpu) / took_s * 100, 2),
        "rss_mb": round(rss_mb(pid), 1),
        "written_bytes_per_s": round((written_bytes(pid) - written) / took_s),
    }


async def _delivered(link: FleetLink, nodes: list[SimNode]) -> None:
    while any(len(node) for node in nodes):
        link.pump()
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    parts.main(figures, seconds=20)
