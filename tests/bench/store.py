"""The store's figures: start with a full queue, alarms beside telemetry, bytes on the disk.

`python -m bench.store [--quick] [--packs 1000000]`; the last line is one JSON object.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from haidang_gateway.batch import CENTRE, Batch, PackRow
from haidang_gateway.clock import Clock
from haidang_gateway.outgoing import data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import history
from haidang_gateway.store.care import Care
from haidang_gateway.store.store import Store
from msgspec.structs import replace
from store_kit import alarm, open_store, row

from bench import parts

_SETTINGS = StoreSettings(max_mb=4096)
_GROUP = 500
_NODES = 50
_MINUTE_MS = 60_000
_BEGIN_MS = 1_764_000_000_000

# A process of its own: what a gateway needs before it can take the first alarm.
_START = """
import asyncio, json, resource, sys, time
began = time.perf_counter()
from pathlib import Path
from haidang_gateway.app import App
from haidang_gateway.batch import CENTRE
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store
loaded = time.perf_counter()

async def main():
    store = Store(Path(sys.argv[1]), "gw-01", StoreSettings(max_mb=4096))
    await store.open(1_764_000_000_000)
    await store.rule_states(), await store.boots(), await store.nodes(), await store.commands()
    backlog = await store.backlog(CENTRE)
    ready = time.perf_counter()
    rss = int(open("/proc/self/statm").read().split()[1]) * 4096
    unclean = store.opened.unclean
    if sys.argv[2] == "kill":
        import os
        os.kill(os.getpid(), 9)
    said = {"import_s": loaded - began, "open_s": ready - loaded}
    said |= {"packs": backlog.packs, "rss_mb": rss / 1e6, "unclean": unclean}
    print(json.dumps(said), flush=True)
    await store.close()

asyncio.run(main())
"""


def figures(packs: int = 1_000_000, quick: bool = False) -> parts.Figures:
    """All of them; `packs` wait at the start that is timed."""
    count = 5_000 if quick else packs
    with tempfile.TemporaryDirectory(prefix="haidang-store-") as name:
        folder = Path(name)
        return {
            **asyncio.run(_beside_telemetry(folder / "beside", 0.5 if quick else 15.0)),
            **asyncio.run(_history(folder / "history", 60 if quick else 1440)),
            **_start(folder / "queue", count, 1 if quick else 3),
        }


def _start(folder: Path, count: int, rounds: int) -> parts.Figures:
    """Time and memory of a start with `count` waiting packs, after a kill."""
    parts.LOG.info("%s packs are put in", count)
    put = asyncio.run(_queue(folder, count))
    _run_start(folder, "kill")
    runs = [_run_start(folder, "end") for _ in range(rounds)]
    opened = [float(run["open_s"]) for run in runs]
    assert runs[0]["packs"] == count, runs
    return put | {
        "start_packs": count,
        "start_open_s": round(max(opened), 3),
        "start_import_s": round(statistics.median(float(run["import_s"]) for run in runs), 2),
        "start_rss_mb": round(float(runs[-1]["rss_mb"]), 1),
        "start_after_kill_said": runs[0]["unclean"],
    }


def _run_start(folder: Path, end: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _START, str(folder), end],
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(json.loads(done.stdout)) if end == "end" else {}


async def _queue(folder: Path, count: int) -> parts.Figures:
    """Packs of 200 bytes in groups of 500, nothing forwarded; what the disk got for each."""
    before = _written_bytes()
    began_s = time.perf_counter()
    async with open_store(folder, max_mb=4096, raw_days=3660) as store:
        care = asyncio.create_task(Care(store, _SETTINGS, Clock()).run())
        for first in range(0, count, _GROUP):
            batch = Batch(now_ms=_BEGIN_MS, packs=tuple(_packs(first, _GROUP)))
            await store.commit(batch)
        took_s = time.perf_counter() - began_s
        care.cancel()
        await asyncio.gather(care, return_exceptions=True)
        rss = _rss_mb()
    size = (folder / "haidang.db").stat().st_size
    return {
        "put_packs_per_s": round(count / took_s),
        "put_written_bytes_per_pack": round((_written_bytes() - before) / count),
        "put_file_bytes_per_pack": round(size / count),
        "put_rss_mb": round(rss, 1),
    }


async def _beside_telemetry(folder: Path, seconds: float) -> parts.Figures:
    """How long an alarm's commit takes, alone and beside telemetry, roll-up and forwarding."""
    async with open_store(folder, max_mb=4096) as store:
        alone = await _alarms(store, 1, seconds / 5)
        stop = asyncio.Event()
        telemetry = asyncio.create_task(_telemetry(store, stop))
        care = asyncio.create_task(Care(store, _SETTINGS, Clock()).run())
        beside = await _alarms(store, 1_000_000, seconds)
        stop.set()
        packs = await telemetry
        care.cancel()
        await asyncio.gather(care, return_exceptions=True)
    return {
        "alarm_commit_alone_p50_ms": _quantile(alone, 0.50),
        "alarm_commit_alone_p99_ms": _quantile(alone, 0.99),
        "alarm_commit_beside_p50_ms": _quantile(beside, 0.50),
        "alarm_commit_beside_p99_ms": _quantile(beside, 0.99),
        "alarm_commit_beside_longest_ms": round(max(beside), 1),
        "alarm_commits_beside": len(beside),
        "telemetry_beside_packs_per_s": round(packs / seconds),
    }


async def _alarms(store: Store, first: int, seconds: float) -> list[float]:
    times_ms: list[float] = []
    end_s = time.perf_counter() + seconds
    rev = first
    while time.perf_counter() < end_s:
        rev += 1
        began_s = time.perf_counter()
        await store.commit(alarm(rev))
        times_ms.append((time.perf_counter() - began_s) * 1000)
        await asyncio.sleep(0.01)
    return times_ms


async def _telemetry(store: Store, stop: asyncio.Event) -> int:
    """Groups of 500 as fast as they go in, made into messages and confirmed."""
    draft = data_draft("gw-01", CENTRE)
    taken = 0
    while not stop.is_set():
        await store.commit(Batch(now_ms=_BEGIN_MS, packs=tuple(_packs(taken, _GROUP))))
        taken += _GROUP
        while await store.compose_data(draft, _BEGIN_MS):
            for message in await store.pending(CENTRE, "data", 0, 50):
                await store.confirm(CENTRE, store.epoch, [[message.seq, message.seq]])
    return taken


async def _history(folder: Path, minutes: int) -> parts.Figures:
    """What minutes and hours cost, with one pack a minute from each of 50 nodes."""
    count = minutes * _NODES
    async with open_store(folder, max_mb=4096) as store:
        for minute in range(0, minutes, 10):
            some = _street(minute, 10)
            await store.commit(Batch(now_ms=_BEGIN_MS, packs=tuple(some)))
        bare = await _pages(store)
        steps_ms: list[float] = []
        written = _written_bytes()
        rolled = 1
        while rolled:
            began_s = time.perf_counter()
            rolled = await store.care(lambda c: history.roll_up(c, 100))
            steps_ms.append((time.perf_counter() - began_s) * 1000)
        written = _written_bytes() - written
        grown = await _pages(store) - bare
        series = history.Series(
            _node(7), "flood/level", _BEGIN_MS, _BEGIN_MS + minutes * _MINUTE_MS
        )
        began_s = time.perf_counter()
        points = await store.read(lambda c: history.chart(c, series, history.MINUTE_S))
        chart_ms = (time.perf_counter() - began_s) * 1000
    assert len(points) == minutes, len(points)
    return {
        "history_packs": count,
        "history_file_bytes_per_pack": round(grown * 4096 / count, 1),
        "history_written_bytes_per_pack": round(written / count, 1),
        "history_us_per_pack": round(sum(steps_ms) * 1000 / count, 1),
        "history_step_p99_ms": _quantile(steps_ms, 0.99),
        "history_chart_minutes": minutes,
        "history_chart_ms": round(chart_ms, 1),
    }


async def _pages(store: Store) -> int:
    return int(await store.read(lambda c: c.execute("PRAGMA page_count").fetchone()[0]))


def _street(first_minute: int, minutes: int) -> Iterator[PackRow]:
    for minute in range(first_minute, first_minute + minutes):
        for number in range(_NODES):
            at_ms = _BEGIN_MS + minute * _MINUTE_MS + number * 1000
            body = _body(minute * _NODES + number, at_ms)
            sent = row(minute, body)
            yield replace(sent, node=_node(number), received_ms=at_ms + 2000)


def _packs(first: int, count: int) -> Iterator[PackRow]:
    for seq in range(first, first + count):
        at_ms = _BEGIN_MS + seq * 10
        sent = row(seq, _body(seq, at_ms))
        yield replace(sent, node=_node(seq % _NODES), received_ms=at_ms)


def _body(seq: int, at_ms: int) -> bytes:
    """Five readings, resolved as the gateway keeps them; about 330 bytes."""
    return (
        b'[{"bver":26,"bn":"urn:dev:mac:240ac4fffe000001:","bt":%d.%03d,"he":"9f3c01aa","hb":7,'
        b'"hs":%d,"hu":%d,"n":"smoke/mv","u":"mV","v":%d},{"n":"smoke/ratio","u":"/","v":0.%03d},'
        b'{"n":"flood/level","u":"mm","v":%d},{"n":"node/heap_free","u":"B","v":%d},'
        b'{"n":"node/rssi","u":"dBm","v":-%d}]'
        % (
            at_ms // 1000,
            at_ms % 1000,
            seq,
            at_ms % 10**9,
            800 + seq % 50,
            seq % 1000,
            400 + seq % 90,
            40_000 + seq % 999,
            60 + seq % 9,
        )
    )


def _node(number: int) -> str:
    return f"n-240ac4{number:06x}"


def _quantile(times_ms: list[float], part: float) -> float:
    ordered = sorted(times_ms)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)


def _written_bytes() -> int:
    """What this process has sent to the disk; on tmpfs nothing is counted."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def _rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    parts.main(figures, packs=1_000_000)
