"""A full database or disk: alarms find room, what telemetry loses is counted."""

import asyncio
import dataclasses
import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_gateway import ledger_view
from haidang_gateway.batch import CENTRE, Batch, Confirmed
from haidang_gateway.errors import StoreFull
from haidang_gateway.model import Lane
from haidang_gateway.store import drop, history, queries
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from node_packs import EPOCH, NODE, START_MS
from store_kit import alarm, noise, open_store, packs, revision, row, stored


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def _fill_to_the_last_byte(folder: Path) -> None:
    """No log and no index of it are there any more, which need room to begin."""
    assert not list(folder.glob("*-wal"))
    (folder / "filler").write_bytes(bytes(shutil.disk_usage(folder).free))
    assert shutil.disk_usage(folder).free == 0


async def _fill(store: Store, groups: int) -> None:
    """2 MB of telemetry and an alarm per group."""
    for group in range(groups):
        rows = (row(group * 2000 + n, noise(n)) for n in range(1, 2001))
        await store.commit(packs(*rows))
        await store.commit(alarm(group + 1))


def test_a_full_disk_takes_every_alarm_and_counts_the_telemetry_it_drops(
    small_disk: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(small_disk, max_mb=1024) as store:
            await _fill(store, 30)
            assert len(await store.pending(CENTRE, "alarm", 0, 100)) == 30
            dropped = (await store.ledger_sums())["dropped:gateway_full"]
            assert dropped > 0
            assert dropped + (await store.backlog(CENTRE)).packs == 60_000
            assert await store.confirm(CENTRE, store.epoch, [[1, 30]]) == Confirmed(
                messages=30, alarms=30
            )

    asyncio.run(scenario())


def test_a_gateway_starts_on_a_disk_that_others_have_filled_to_the_last_byte(
    small_disk: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(small_disk) as store:
            await store.commit(alarm(1))
        _fill_to_the_last_byte(small_disk)
        async with open_store(small_disk) as store:
            await store.commit(alarm(2))
            assert len(await store.pending(CENTRE, "alarm", 0, 9)) == 2

    asyncio.run(scenario())


def test_a_database_full_of_old_alarms_takes_new_ones_and_notes_what_it_forgets(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            for rev in range(1, 420):
                news = dataclasses.replace(revision(rev), document=b"x" * 60_000)
                await store.commit(Batch(now_ms=START_MS, revisions=(news,)))
            await store.commit(alarm(420))
            assert len(await store.pending(CENTRE, "alarm", 0, 10)) == 1

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        kept = [rev for _, rev, _ in queries.revisions(connection)]
        forgotten = [r[3] for r in queries.audit_rows(connection) if r[2] == "deletion"]
    assert kept == list(range(kept[0], 421))
    assert forgotten[0].endswith("/1")
    assert forgotten[-1].endswith(f"/{kept[0] - 1}")


def test_a_full_database_drops_telemetry_and_counts_it_but_takes_alarms(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            # 24 MB into 16 MB, none of it forwarded yet.
            await _fill(store, 12)
            alarms = await store.pending(CENTRE, "alarm", 0, 100)
            assert [m.seq for m in alarms] == list(range(1, 13))
            kept = (await store.backlog(CENTRE)).packs
            dropped = (await store.ledger_sums())["dropped:gateway_full"]
            assert dropped > 0
            assert kept + dropped == 24_000
            assert store.room_made >= dropped

    asyncio.run(scenario())


def _names(folder: Path, lane: Lane) -> set[int]:
    """The numbers of what was dropped."""
    with reading(folder / "haidang.db") as connection:
        ranges = [one for one in drop.dropped(connection) if one.lane == lane]
        counted = queries.ledger_sums(connection)["dropped:gateway_full"]
        everything = sum(one.high - one.low + 1 for one in drop.dropped(connection))
    assert {(one.node, one.epoch, one.boot) for one in ranges} <= {(NODE, EPOCH, 7)}
    assert everything == counted, "each name is counted once"
    return {seq for one in ranges for seq in range(one.low, one.high + 1)}


def _kept(folder: Path) -> tuple[list[int], list[int]]:
    with reading(folder / "haidang.db") as connection:
        rows = stored(connection)
    return [pack_id for pack_id, _ in rows], [pack.seq for _, pack in rows]


def test_what_a_full_database_drops_it_names_and_alarm_packs_stay(tmp_path: Path) -> None:
    def lane(seq: int) -> Lane:
        return "data" if seq % 25 else "alarm"

    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            for start in range(0, 20_000, 1000):
                rows = (row(n, noise(n), lane=lane(n)) for n in range(start, start + 1000))
                await store.commit(packs(*rows))
            while await store.care(lambda c: history.roll_up(c, 5000)):
                pass
            await store.commit(packs(*(row(n, noise(n)) for n in range(20_000, 24_000))))
            assert await store.care(history.not_rolled_up) == 4000, "none counts twice"

    asyncio.run(scenario())
    dropped = _names(tmp_path, "data")
    ids, kept = _kept(tmp_path)
    assert dropped | set(kept) == set(range(24_000))
    assert len(dropped) + len(kept) == 24_000
    assert set(range(0, 20_000, 25)) <= set(kept)
    assert ids == list(range(ids[0], ids[-1] + 1)), "ids without gaps are what counts the queue"
    (day,) = ledger_view.by_day(tmp_path, 1)
    assert sum(high - low + 1 for _, _, low, high in day["names"]) == day["dropped"]
    told = list(ledger_view.lines(tmp_path))
    _, _, low, high = day["names"][-1]
    assert any(f"packs {low} to {high} of boot 7 (epoch {EPOCH}) were dropped" in t for t in told)
    assert f"and {len(day['names']) - 20} more such ranges" in "\n".join(told)


def test_what_is_put_behind_is_in_no_chart_yet_where_the_rest_is_not(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with open_store(tmp_path, max_mb=16) as store:
            for start in range(0, 20_000, 1000):
                rows = (
                    row(n, noise(n), lane="data" if n % 25 else "alarm")
                    for n in range(start, start + 1000)
                )
                await store.commit(packs(*rows))
            return await store.care(history.not_rolled_up)

    waiting = asyncio.run(scenario())
    assert _names(tmp_path, "data"), "something was dropped"
    assert waiting >= len(_kept(tmp_path)[1])


def test_alarm_packs_go_where_nothing_else_is_left_and_are_named_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            await store.commit(packs(*(row(n, noise(n)) for n in range(1000))))
            for start in range(1000, 19_000, 1000):
                rows = (row(n, noise(n), lane="alarm") for n in range(start, start + 1000))
                await store.commit(packs(*rows))

    asyncio.run(scenario())
    assert _names(tmp_path, "data") == set(range(1000))
    alarms = _names(tmp_path, "alarm")
    assert alarms == set(range(1000, 1000 + len(alarms))), "the oldest"
    assert set(_kept(tmp_path)[1]) == set(range(1000 + len(alarms), 19_000))
    assert "  alarm packs 1000 to " in "\n".join(ledger_view.lines(tmp_path))


def test_no_more_is_dropped_than_there_is_need_of(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with open_store(tmp_path, max_mb=16) as store:
            for start in range(0, 40_000, 500):
                await store.commit(packs(*(row(n, noise(n)) for n in range(start, start + 500))))
                if gone := (await store.ledger_sums()).get("dropped:gateway_full", 0):
                    return gone
        raise AssertionError("16 MB never were full")

    assert asyncio.run(scenario()) <= 1500


def test_the_names_of_what_was_dropped_are_bounded_and_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop, "KEEP_RANGES", 10)

    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            await store.commit(packs(*(row(n) for n in range(0, 80, 2))))
            for _ in range(4):
                await store.care(lambda c: drop.drop_waiting(c, "data", "2026-11-25", 10))
            assert len(await store.read(drop.dropped)) == 10
            assert (await store.counters())[drop.FORGOTTEN] == 30

    asyncio.run(scenario())
    told = list(ledger_view.lines(tmp_path))
    assert "30 dropped packs have lost their names: 10 ranges are kept" in told


def test_the_ledger_of_the_newest_days_names_no_drops_of_older_ones(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            for start in (0, 20):
                await store.commit(packs(*(row(n) for n in range(start, start + 20))))
            for day in ("2026-11-24", "2026-11-25"):
                give_up = functools.partial(drop.drop_waiting, lane="data", day=day, limit=20)
                await store.care(give_up)

    asyncio.run(scenario())
    told = [line for line in ledger_view.lines(tmp_path, 1) if "were dropped here" in line]
    assert [line.split()[0] for line in told] == ["2026-11-25"]
    told = [line for line in ledger_view.lines(tmp_path) if "were dropped here" in line]
    assert [line.split()[0] for line in told] == ["2026-11-24", "2026-11-25"]


def test_a_full_database_without_telemetry_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            huge = {"fire:x": {"text": "x" * 17_000_000}}
            with pytest.raises(StoreFull) as caught:
                await store.commit(Batch(now_ms=START_MS, states=huge))
            assert caught.value.retryable
            await store.commit(alarm(1))

    asyncio.run(scenario())
