"""A full database or disk: alarms find room, what telemetry loses is counted."""

import asyncio
import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_gateway import store_read
from haidang_gateway.batch import CENTRE, Batch, Confirmed
from haidang_gateway.errors import StoreFull
from haidang_gateway.store import Store
from haidang_gateway.store_schema import reading
from node_packs import START_MS
from store_kit import alarm, open_store, packs, revision, row


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


async def _fill(store: Store, groups: int) -> None:
    """2 MB of telemetry and an alarm per group."""
    for group in range(groups):
        rows = (row(group * 2000 + n, bytes(1000)) for n in range(1, 2001))
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
        kept = [rev for _, rev, _ in store_read.revisions(connection)]
        forgotten = [r[3] for r in store_read.audit_rows(connection) if r[2] == "deletion"]
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


def test_a_full_database_without_telemetry_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            huge = {"fire:x": {"text": "x" * 17_000_000}}
            with pytest.raises(StoreFull) as caught:
                await store.commit(Batch(now_ms=START_MS, states=huge))
            assert caught.value.retryable
            await store.commit(alarm(1))

    asyncio.run(scenario())
