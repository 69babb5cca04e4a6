"""Damage is looked for: beside the work, after a kill, and where reading meets it."""

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest
from broken_store import damage_packs, fill, found_at_start
from fakes import FakeClock
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreBroken
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import check, queries, room
from haidang_gateway.store.care import Care
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from node_packs import EPOCH, NODE, START_MS
from store_kit import alarm, open_store, stored


def test_damage_in_the_telemetry_is_found_beside_the_work_and_costs_only_what_it_hit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "haidang.db"

    async def run_on() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside is None, "no start reads all of it"
            with pytest.raises(StoreBroken, match="bundle"):
                await Care(store, store._settings, FakeClock(START_MS)).look_through()  # type: ignore[arg-type]

    epoch = asyncio.run(fill(tmp_path))
    # Behind what SQLite itself looks at.
    damage_packs(path, 1500, at=3000)
    asyncio.run(run_on())
    with caplog.at_level(logging.ERROR):
        seen = asyncio.run(found_at_start(tmp_path))
    assert seen["opened"].set_aside.name == "haidang.db.broken-20251124T160000000Z"
    assert seen["opened"].renewed == f"rebuilt {START_MS}"
    assert seen["epoch"] != epoch
    assert seen["states"]["fire:m"]["place"] == "m"
    with reading(path) as connection:
        kept = len(stored(connection))
    assert seen["sums"] == {"received": 3000, "dropped:database_broken": 3000 - kept}
    assert seen["boots"] == {(NODE, EPOCH, 7): {"received": [[1, 3000]]}}
    assert [m.seq for m in seen["alarms"]] == [1, 2]
    assert [m.seq for m in seen["data"]] == [3]
    assert 2900 <= kept < 3000
    assert "Missing in part: bundle" in caplog.text
    assert "fire" not in caplog.text
    again = asyncio.run(found_at_start(tmp_path))
    assert again["opened"].set_aside is None
    assert again["epoch"] == seen["epoch"]


def test_a_rotten_text_in_what_waits_ends_the_gateway_and_costs_one_message(
    tmp_path: Path,
) -> None:
    async def fill() -> None:
        async with open_store(tmp_path) as store:
            for rev in range(1, 61):
                await store.commit(alarm(rev))

    async def meet_it() -> None:
        async with open_store(tmp_path) as store:
            with pytest.raises(StoreBroken, match="UTF-8"):
                await store.pending(CENTRE, "alarm", 0, 100)
            assert store.broken

    asyncio.run(fill())
    path = tmp_path / "haidang.db"
    content = bytearray(path.read_bytes())
    document = content.index(b'{"rev":30}', content.index(b"hd/1/g/gw-01/alarm"))
    content[content.rindex(b"hd/1/g/gw-01/alarm", 0, document)] = 0xFF
    path.write_bytes(content)
    asyncio.run(meet_it())

    async def seen_again() -> int:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            return len(await store.pending(CENTRE, "alarm", 0, 100))

    assert asyncio.run(seen_again()) == 59


def test_damage_that_shows_while_the_gateway_works_ends_it_and_the_next_start_rebuilds(
    tmp_path: Path,
) -> None:
    asyncio.run(fill(tmp_path))
    damage_packs(tmp_path / "haidang.db", 1500, count=3)

    async def read_on() -> None:
        async with open_store(tmp_path) as store:
            with pytest.raises(StoreBroken, match="the next start rebuilds it"):
                await _read_everything(store)
            care = Care(store, store._settings, FakeClock(START_MS))  # type: ignore[arg-type]
            with pytest.raises(StoreBroken, match="start again"):
                await care.run()

    asyncio.run(read_on())
    assert asyncio.run(found_at_start(tmp_path))["opened"].set_aside


async def _read_everything(store: Store) -> None:
    def read(connection: sqlite3.Connection) -> None:
        stored(connection)
        queries.revisions(connection)

    await store.read(read)


def test_a_look_through_the_database_ends_with_the_gateway(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path, 60))
    look = check.Look(tmp_path / "haidang.db")
    look.stop()
    assert look.run() == ""
    damage_packs(tmp_path / "haidang.db", 20)
    assert check.Look(tmp_path / "haidang.db").run() != ""
    assert look.run() == "", "an ended look accuses nobody"


def test_the_look_runs_beside_the_other_care_and_is_due_until_it_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        clock = FakeClock(START_MS)
        async with open_store(tmp_path) as store:
            never = asyncio.Event()
            care = Care(store, StoreSettings(), clock)  # type: ignore[arg-type]
            await care.step()
            assert care._look is None, "not in the first minute"
            clock.advance(60_000)
            with monkeypatch.context() as patch:
                patch.setattr(store, "look_through", never.wait)
                await care.step()
                await care.step()
                assert care._look is not None, "the other care goes on"
                patch.setattr(room, "log_bytes", lambda _path: 1 << 40)
                await care.step()
                assert care._look is None, "a long log ends it"
            assert care.check_due
            clock.advance(3_600_000)
            await care.step()
            assert care._look is not None
            await care._look
            await care.step()
            assert not care.check_due
        async with open_store(tmp_path) as store:
            assert store.opened.checked_ms == START_MS + 3_660_000

    asyncio.run(scenario())


def test_a_check_is_due_after_a_kill_and_not_after_an_orderly_end(tmp_path: Path) -> None:
    async def opened(orderly: bool) -> bool:
        store = Store(tmp_path, "gw-01", StoreSettings())
        await store.open(START_MS)
        unclean = store.opened.unclean
        if not orderly:
            store._connection.close()  # type: ignore[union-attr]
            store._connection = None
        await store.close()
        return unclean

    assert [asyncio.run(opened(orderly)) for orderly in (True, False, True, True)] == [
        False,
        False,
        True,
        False,
    ]
