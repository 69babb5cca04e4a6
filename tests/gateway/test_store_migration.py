"""A database of every older version is taken over with all it holds."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.errors import StoreError
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import Store
from haidang_gateway.store_tables import SCHEMA_VERSION
from node_packs import EPOCH, NODE, START_MS
from store_kit import alarm, open_store

# As version 1 was installed; never changed here.
VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- AUTOINCREMENT: a deleted id is never given again, since a cursor walks over them.
CREATE TABLE pack (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, epoch TEXT NOT NULL,
    boot INTEGER NOT NULL, seq INTEGER NOT NULL, lane TEXT NOT NULL,
    received_ms INTEGER NOT NULL, at_low_ms INTEGER NOT NULL, at_high_ms INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE boot (
    node TEXT, epoch TEXT, boot INTEGER, doc TEXT NOT NULL,
    PRIMARY KEY (node, epoch, boot)) WITHOUT ROWID;
CREATE TABLE ledger_day (
    node TEXT, day TEXT, what TEXT, count INTEGER NOT NULL,
    PRIMARY KEY (node, day, what)) WITHOUT ROWID;
CREATE TABLE rule_state (key TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE revision (
    alarm_id TEXT, rev INTEGER, sha256 TEXT NOT NULL, decided_ms INTEGER NOT NULL,
    document BLOB NOT NULL, PRIMARY KEY (alarm_id, rev));
CREATE TABLE audit (
    n INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    digest TEXT NOT NULL, chain TEXT NOT NULL);
-- pack_cursor: packs up to this id are in numbered messages.
CREATE TABLE destination (
    name TEXT PRIMARY KEY, next_seq INTEGER NOT NULL, pack_cursor INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outgoing (
    destination TEXT, seq INTEGER, lane TEXT NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, packs INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    PRIMARY KEY (destination, seq));
CREATE INDEX outgoing_lane ON outgoing (destination, lane, seq);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL, topic TEXT NOT NULL,
    reason TEXT NOT NULL, payload BLOB NOT NULL);
"""


def _database(folder: Path, tables: str, version: int) -> Path:
    path = folder / "haidang.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.executescript(tables)
        old.execute("INSERT INTO meta VALUES ('epoch', '5f3a9c1e'), ('created_ms', '17')")
        old.execute("INSERT INTO rule_state VALUES ('fire:market-3', '{\"due_ms\":5}')")
        old.execute(
            'INSERT INTO boot VALUES (?, ?, 7, \'{"received":[[1,4]],"first":0}\')', (NODE, EPOCH)
        )
        old.execute("INSERT INTO ledger_day VALUES (?, '2026-11-22', 'received', 4)", (NODE,))
        old.execute("INSERT INTO destination VALUES ('centre', 8, 0)")
        old.execute("INSERT INTO outgoing VALUES ('centre', 7, 'alarm', 't', x'7b7d', 0, 9)")
        old.execute(f"PRAGMA user_version={version}")
        old.commit()
    return path


def _version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_database_of_version_1_goes_on_where_it_was(tmp_path: Path) -> None:
    path = _database(tmp_path, VERSION_1, 1)

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
    assert _version(path) == SCHEMA_VERSION


def test_a_migration_that_fails_leaves_the_old_version_whole(tmp_path: Path) -> None:
    path = _database(tmp_path, VERSION_1 + "CREATE TABLE counter (other TEXT);", 1)

    async def scenario() -> None:
        store = Store(tmp_path, "gw-01", StoreSettings())
        with pytest.raises(StoreError, match="cannot be opened"):
            await store.open(START_MS)
        await store.close()

    asyncio.run(scenario())
    assert _version(path) == 1
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "node" not in names


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = _database(tmp_path, VERSION_1, SCHEMA_VERSION + 1)

    async def scenario() -> None:
        store = Store(tmp_path, "gw-01", StoreSettings())
        with pytest.raises(StoreError, match="install the version that wrote it"):
            await store.open(START_MS)
        await store.close()

    asyncio.run(scenario())
    assert _version(path) == SCHEMA_VERSION + 1
