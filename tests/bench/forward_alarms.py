"""The alarm's way from a node's publish to the centre's subscriber, idle and beside a backlog.

`python -m bench.forward_alarms [--packs 1000000]`: a database with so many waiting packs is made
through the store's own API; the gateway starts on it, drains it, and alarms overtake.
"""

import asyncio
import itertools
import json
import math
import statistics
import time
from pathlib import Path

from haidang_gateway.batch import Batch, PackRow
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store
from haidang_tools.fleet_link import FleetLink, Shore
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import node_id, readings

from bench import parts, stand
from bench.forward_centre import CountingCentre
from bench.forward_ways import Ours, authority, cpu_s, rss_mb

NODES = 10
_GROUP = 2000
_EPOCH = "9f3c01aa"
_BEGIN_MS = 1_764_000_000_000
_LIMIT_S = 20.0


def figures(packs: int = 1_000_000, quick: bool = False) -> parts.Figures:
    """Idle first, then with `packs` waiting."""
    packs = 5_000 if quick else packs
    count = 10 if quick else 100
    with stand.scratch("alarms") as folder:
        ca = authority(folder, count + NODES)
        idle = Ours(folder / "idle", ca, count + NODES, commit_ms=1000, batch_s=5.0)
        try:
            idle.start()
            found = asyncio.run(_alarms(idle, ca, count, "idle", 0))
        finally:
            idle.stop()
        return found | _backlog(folder, ca, packs, count)


def _backlog(folder: Path, ca: Path, packs: int, count: int) -> parts.Figures:
    way = Ours(folder / "backlog", ca, count + NODES, commit_ms=1000, batch_s=5.0)
    parts.LOG.info("alarms: %s packs are put in", packs)
    asyncio.run(fill(way.folder / "gateway", packs))
    try:
        way.near.start()
        way.far.start()
        way.write_settings(way.far.port)
        ready_s = way.start_gateway()
        bare_s = _bare_start_s(folder, ca)
        found = asyncio.run(_alarms(way, ca, count, "backlog", packs))
        return found | {
            "recovery_packs": packs,
            "recovery_process_start_s": round(ready_s, 2),
            "recovery_start_without_packs_s": round(bare_s, 2),
            "recovery_ready_s": round(max(0.0, ready_s - bare_s), 2),
        }
    finally:
        way.stop()


def _bare_start_s(folder: Path, ca: Path) -> float:
    """The same start with an empty database: interpreter, imports, TLS."""
    way = Ours(folder / "bare", ca, NODES)
    try:
        way.near.start()
        way.far.start()
        way.write_settings(way.far.port)
        return way.start_gateway()
    finally:
        way.stop()


async def fill(folder: Path, packs: int) -> None:
    """A gateway's database with so many packs that wait for the centre."""
    store = Store(folder, "gw-01", StoreSettings(max_mb=4096))
    await store.open(_BEGIN_MS)
    node = SimNode(node_id(1), "0badcafe", began_ms=_BEGIN_MS - 60_000)
    for first in range(0, packs, _GROUP):
        rows = tuple(_row(node, seq) for seq in range(first, min(packs, first + _GROUP)))
        await store.commit(Batch(now_ms=_BEGIN_MS, packs=rows))
    await store.close()


def _row(node: SimNode, seq: int) -> PackRow:
    at_ms = _BEGIN_MS + seq * 100
    return PackRow(
        node=node.id,
        epoch=node.epoch,
        boot=node.boot,
        seq=seq,
        lane="data",
        received_ms=at_ms,
        at_low_ms=at_ms,
        at_high_ms=at_ms,
        body=readings(node, seq, at_ms),
    )


async def _alarms(way: Ours, ca: Path, count: int, name: str, packs: int) -> parts.Figures:
    """One alarm from one new node after the other; each opens or adds to the place's alarm."""
    centre = CountingCentre(ca, way.far.port, list(way.filters))
    shore = Shore(host="127.0.0.1", port=way.near.port, ca=ca)
    began_ms = time.time_ns() // 1_000_000
    nodes = [SimNode(node_id(n + 1), _EPOCH, began_ms=began_ms) for n in range(count)]
    links = [FleetLink(node.id, [node], shore) for node in nodes]
    tasks = [asyncio.create_task(link.run(), name="link") for link in links]
    tasks.append(asyncio.create_task(centre.run(), name="centre"))
    times_ms: list[float] = []
    try:
        async with asyncio.timeout(_LIMIT_S):
            await asyncio.gather(centre.ready.wait(), *(link.ready.wait() for link in links))
            # The line to the centre comes up on its own.
            while "connected to the operations" not in way.gateway.log:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        began_s, before, cpu = time.monotonic(), len(centre.names), cpu_s(way.gateway.pid)
        for node, link in zip(nodes, links, strict=True):
            if (took_ms := await one_alarm(centre, node, link)) is not None:
                times_ms.append(took_ms)
        took_s = time.monotonic() - began_s
        drained = len(centre.names) - before
        used_s = cpu_s(way.gateway.pid) - cpu
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    parts.LOG.info("alarms %s: %s", name, json.dumps(sorted(times_ms)[-5:]))
    found: parts.Figures = {
        f"alarm_{name}_count": len(times_ms),
        f"alarm_{name}_p50_ms": round(statistics.median(times_ms), 1),
        f"alarm_{name}_p99_ms": round(quantile(times_ms, 0.99), 1),
        f"alarm_{name}_longest_ms": round(max(times_ms), 1),
        f"alarm_{name}_missing": count - len(times_ms),
    }
    if packs:
        found |= {
            "drain_packs_per_s": round(drained / took_s),
            "drained_beside_alarms": drained,
            "drain_cpu_s_per_10k": round(used_s / max(1, drained) * 1e4, 2),
            "backlog_rss_mb": round(rss_mb(way.gateway.pid), 1),
            "backlog_rss_most_mb": round(rss_mb(way.gateway.pid, "VmHWM"), 1),
        }
    return found


async def one_alarm(
    centre: CountingCentre, node: SimNode, link: FleetLink, limit_s: float = _LIMIT_S
) -> float | None:
    """An alarm of a node that has not spoken: ms to the centre, None if it never came."""
    urn = f"{node.id[2:8]}fffe{node.id[8:]}".encode()
    seen = len(centre.alarms)
    now_ms = node.read_at(time.time_ns() // 1_000_000)
    began_s = time.monotonic()
    payload = readings(node, node.next_seq, now_ms, state="alarm")
    node.keep("alarm", payload)
    link.pump()
    while time.monotonic() - began_s < limit_s:
        for at_s, _topic, document in itertools.islice(centre.alarms, seen, None):
            if urn in document and b'"fire"' in document:
                await asyncio.sleep(0.05)
                return (at_s - began_s) * 1000
        await asyncio.sleep(0.001)
    return None


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


if __name__ == "__main__":
    parts.main(figures, packs=1_000_000)
