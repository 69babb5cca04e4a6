"""The log beside the database is carried over by the caretaker, and no read waits for a commit."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.outgoing import data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import log_file
from haidang_gateway.store.care import Care
from haidang_gateway.store.schema import Connection, second
from haidang_gateway.store.store import Store
from node_packs import START_MS
from store_kit import alarm, noise, open_store, packs, row
from waiting import DEADLINE_S


async def _drain(store: Store, first_message: int) -> None:
    """What a forwarded backlog writes: 400 packs numbered, 8 messages confirmed."""
    await store.compose_data(data_draft("gw-01", CENTRE), START_MS)
    await store.confirm(CENTRE, store.epoch, [[first_message, first_message + 7]])


def test_the_pages_of_the_log_are_those_that_sqlite_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for seq in range(20):
                await store.commit(packs(row(seq, bytes(3000))))
                counted = await store.log_pages()
                with second(store.path) as connection:
                    assert log_file.carry_over(connection) == counted > 0
        assert log_file.pages(tmp_path / "no.db") == 0
        (tmp_path / "short.db-wal").write_bytes(b"torn")
        assert log_file.pages(tmp_path / "short.db") == 0

    asyncio.run(scenario())


def test_no_commit_has_to_carry_the_log_over_while_a_backlog_drains(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            care = Care(store, StoreSettings(), FakeClock(START_MS))  # type: ignore[arg-type]
            await store.commit(packs(*(row(seq, noise(seq, 100)) for seq in range(40_000))))
            await store.carry_over()
            longest = 0
            for first_message in range(1, 800, 8):
                await _drain(store, first_message)
                await store.commit(packs(row(first_message, noise(first_message, 40_000))))
                await care.step()
                longest = max(longest, await store.log_pages())
            assert 900 < longest < 1200, "SQLite itself begins at 4000, in the midst of a commit"

    asyncio.run(scenario())


def test_a_log_begins_anew_although_a_commit_comes_while_it_is_carried_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            loop = asyncio.get_running_loop()
            empty = log_file.empty

            def busy(database: Path) -> None:
                with second(database) as reader:
                    # Pages that came after a reader began cannot move before it ends.
                    reader.execute("BEGIN")
                    reader.execute("SELECT count(*) FROM bundle").fetchall()
                    asyncio.run_coroutine_threadsafe(store.commit(alarm(1)), loop).result(
                        DEADLINE_S
                    )
                    empty(database)

            await store.commit(packs(*(row(seq, noise(seq, 1000)) for seq in range(400))))
            before = await store.log_pages()
            monkeypatch.setattr(log_file, "empty", busy)
            assert await store.carry_over() > before
            await store.commit(alarm(2))
            assert await store.log_pages() < before

    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def held_up(
    work: Callable[[Callable[[Connection], Any]], Awaitable[Any]],
) -> AsyncIterator[None]:
    """A job of the store that does not end before this does, which must take half as long."""
    gate = threading.Event()
    held = asyncio.create_task(work(lambda _: gate.wait(DEADLINE_S)))
    try:
        async with asyncio.timeout(DEADLINE_S / 2):
            yield
        assert not held.done()
    finally:
        gate.set()
        await held


def test_what_goes_to_the_centre_is_read_while_the_disk_holds_a_write_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(1))
            async with held_up(store.care):
                assert [m.seq for m in await store.pending(CENTRE, "alarm", 0, 10)] == [1]
                assert (await store.backlog(CENTRE)).alarms == 1

    asyncio.run(scenario())


def test_an_alarm_waits_for_no_figures_that_take_long(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(1))
            async with held_up(store.read):
                assert len(await store.pending(CENTRE, "alarm", 0, 10)) == 1

    asyncio.run(scenario())


def test_reading_changes_nothing_and_ends_with_the_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            with pytest.raises(StoreError, match="readonly"):
                await store.read(lambda c: c.execute("DELETE FROM outgoing"))
        with pytest.raises(RuntimeError, match="has ended"):
            await store.backlog(CENTRE)
        unopened = Store(tmp_path / "new", "gw-01", StoreSettings())
        with pytest.raises(StoreError, match="not open"):
            await unopened.backlog(CENTRE)
        await unopened.close()

    asyncio.run(scenario())
