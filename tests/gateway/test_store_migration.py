"""A database of every older version is taken over with all it holds."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Batch, Confirmed, PackRow
from haidang_gateway.errors import StoreError
from haidang_gateway.model import Lane
from haidang_gateway.outgoing import compose_packs, data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import (
    backup,
    dead_letters,
    drop,
    history,
)
from haidang_gateway.store.store import Store
from haidang_gateway.store.tables import SCHEMA_VERSION
from node_packs import EPOCH, NODE, START_MS
from old_database import (
    VERSION_1,
    VERSION_2,
    VERSION_3,
    VERSION_4,
    VERSION_6,
    database,
    full_of_packs,
    version_of,
)
from store_kit import alarm, open_store, packs, row, stored


def test_a_database_of_version_1_goes_on_where_it_was(tmp_path: Path) -> None:
    path = database(tmp_path, VERSION_1, 1)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert (store.epoch, store.created_ms, store.opened.set_aside) == (
                "5f3a9c1e",
                17,
                None,
            )
            assert await store.rule_states() == {"fire:market-3": {"due_ms": 5}}
            assert (await store.boots())[NODE, EPOCH, 7]["received"] == [[1, 4]]
            assert await store.ledger_sums() == {"received": 4}
            assert (await store.nodes(), await store.commands(), await store.counters()) == (
                {},
                {},
                {},
            )
            node = {"heartbeat_s": 3600}
            await store.commit(Batch(now_ms=START_MS, nodes={NODE: node}, counters={"x": 2}))
            await store.commit(alarm(1))
            assert [m.seq for m in await store.pending(CENTRE, "alarm", 0, 9)] == [7, 8]
        async with open_store(tmp_path) as store:
            assert await store.nodes() == {NODE: node}
            assert await store.counters() == {"x": 2}

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION


def test_a_database_of_version_2_keeps_its_packs_and_gets_a_history_of_them(
    tmp_path: Path,
) -> None:
    path = database(tmp_path, VERSION_2, 2)
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.execute("INSERT INTO node VALUES (?, '{\"heartbeat_s\":30}')", (NODE,))
        old.execute("INSERT INTO counter VALUES ('orders', 3)")
        for n in range(3):
            body = b'[{"bt":1764000000,"n":"flood/level","u":"mm","v":%d}]' % n
            old.execute(
                "INSERT INTO pack (node, epoch, boot, seq, lane, received_ms, at_low_ms,"
                " at_high_ms, body) VALUES (?, ?, 7, ?, 'data', ?, 0, 0, ?)",
                (NODE, EPOCH, n, START_MS, body),
            )
        old.commit()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.epoch == "5f3a9c1e"
            assert await store.nodes() == {NODE: {"heartbeat_s": 30}}
            assert await store.counters() == {"orders": 3}
            assert (await store.backlog(CENTRE)).packs == 3
            assert await store.care(lambda c: history.roll_up(c, 10)) == 3
            series = history.Series(NODE, "flood/level", START_MS - 60_000, START_MS + 1)
            (point,) = await store.read(lambda c: history.chart(c, series, history.MINUTE_S))
            assert (point.low, point.mean, point.high, point.count) == (0, 1, 2, 3)

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION


def test_a_database_of_version_3_gets_a_place_for_what_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path, VERSION_3, 3)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.epoch == "5f3a9c1e"
            assert [m.seq for m in await store.pending(CENTRE, "alarm", 0, 9)] == [7]
            assert await store.read(dead_letters.letters) == []

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION


def test_a_database_of_version_4_gets_a_place_for_the_names_of_what_is_dropped(
    tmp_path: Path,
) -> None:
    path = database(tmp_path, VERSION_4, 4)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.epoch == "5f3a9c1e"
            assert await store.read(drop.dropped) == []

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION


def test_the_packs_of_version_5_keep_their_ids_their_order_and_their_cursors(
    tmp_path: Path,
) -> None:
    lanes: list[Lane] = ["alarm" if 500 <= n < 503 else "data" for n in range(505)]
    path = full_of_packs(tmp_path, lanes)
    with contextlib.closing(sqlite3.connect(path)) as old:
        before = old.execute("SELECT * FROM pack ORDER BY id").fetchall()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert await store.read(stored) == [(n, PackRow(*pack)) for n, *pack in before]
            assert (await store.backlog(CENTRE)).packs == 503
            assert await store.read(history.not_rolled_up) == 502
            (message,) = await store.pending(CENTRE, "data", 0, 9)
            assert message.payload == compose_packs("gw-01/5f3a9c1e/8", [b"[]", b"[]"])
            await store.commit(packs(row(900)))
            assert [n for n, _ in (await store.read(stored))[-2:]] == [545, 546]
            draft = data_draft("gw-01", CENTRE)
            assert await store.compose_data(draft, START_MS) == 400
            told = (await store.pending(CENTRE, "data", 8, 9))[0].payload
            assert told.startswith(b'{"id":"gw-01/5f3a9c1e/9","packs":[[{"bt":1764000000,')
            assert b'"v":2}' in told
            confirmed = await store.confirm(CENTRE, store.epoch, [[7, 8]])
            assert confirmed == Confirmed(messages=2, alarms=1, packs=2)

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION


def test_a_program_of_version_5_finds_nothing_broken_before_it_finds_the_later_version(
    tmp_path: Path,
) -> None:
    path = full_of_packs(tmp_path, ["data"] * 300)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(1))

    asyncio.run(scenario())
    with contextlib.closing(sqlite3.connect(path)) as seen:
        tables = {name for (name,) in seen.execute("SELECT name FROM sqlite_master")}
        assert {"meta", "pack", "rule_state", "destination"} <= tables
        # As its look at the start did; what is wrong there has the database set aside.
        for table in {"revision", "audit", "outgoing", "quarantine", "pack"} & tables:
            for way in ("ASC", "DESC"):
                look = f"SELECT * FROM {table} ORDER BY rowid {way} LIMIT 20"  # noqa: S608
                seen.execute(look).fetchall()
        assert seen.execute("SELECT seq FROM outgoing ORDER BY rowid").fetchall() == [
            (7,),
            (8,),
            (9,),
        ]
        assert seen.execute("SELECT count(*) FROM pack").fetchone() == (0,)


def test_a_backup_of_version_5_is_restored_with_its_packs(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    copy = full_of_packs(tmp_path / "old", ["data"] * 300)
    backup.restore(copy, tmp_path / "haidang.db", START_MS)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert (await store.backlog(CENTRE)).packs == 298
            assert [m.seq for m in await store.pending(CENTRE, "data", 0, 9)] == [2]

    asyncio.run(scenario())


def test_every_released_version_is_kept_here_as_it_was(tmp_path: Path) -> None:
    def tables(path: Path) -> set[tuple[str, str]]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return set(connection.execute("SELECT name, sql FROM sqlite_master"))

    assert SCHEMA_VERSION == 6, "keep the tables of the version before here as well"
    old = database(tmp_path, VERSION_6, 6)
    (tmp_path / "new").mkdir()

    async def scenario() -> None:
        async with open_store(tmp_path / "new"):
            pass

    asyncio.run(scenario())
    assert tables(old) == tables(tmp_path / "new" / "haidang.db")


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = database(tmp_path, VERSION_1, SCHEMA_VERSION + 1)

    async def scenario() -> None:
        store = Store(tmp_path, "gw-01", StoreSettings())
        with pytest.raises(StoreError, match="install the version that wrote it"):
            await store.open(START_MS)
        await store.close()

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION + 1
