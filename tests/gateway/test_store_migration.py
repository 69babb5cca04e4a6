"""A database of every older version is taken over with all it holds."""

import asyncio
import contextlib
import functools
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE, Batch, Confirmed, PackRow
from haidang_gateway.errors import StoreError
from haidang_gateway.model import Lane
from haidang_gateway.outgoing import compose_packs, data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import (
    backup,
    bundles,
    check,
    dead_letters,
    drop,
    history,
    messages,
    rescue,
    schema,
)
from haidang_gateway.store.store import Store
from haidang_gateway.store.tables import SCHEMA_VERSION
from node_packs import EPOCH, NODE, START_MS
from store_kit import alarm, open_store, packs, row, stored

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
# What version 2 added to it.
SINCE_1 = """
-- What a node declares of itself: a restart must not forget how seldom a sleeping one speaks.
CREATE TABLE node (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
-- Kept until the reply came, and a while longer to know a command that comes again.
CREATE TABLE command (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
# What version 3 added.
SINCE_2 = """
-- Nodes and names of readings, so that the history repeats a number of one byte.
CREATE TABLE history_name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
-- All readings of one node in one minute or hour. The time comes before the node in the key: what
-- is new lies together at the end, and a memory card writes few pages.
CREATE TABLE history (
    span_s INTEGER, at INTEGER, node INTEGER, doc BLOB NOT NULL,
    PRIMARY KEY (span_s, at, node)) WITHOUT ROWID;
"""
# What version 4 added.
SINCE_3 = """
-- Messages that a destination refused again and again, so that they hold up no others.
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, seq INTEGER NOT NULL,
    lane TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, packs INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, died_ms INTEGER NOT NULL, reason TEXT NOT NULL);
"""
# What version 5 added.
SINCE_4 = """
-- Packs that a full disk gave up before any destination had them, by name, in ranges of numbers.
CREATE TABLE dropped (
    node TEXT, epoch TEXT, boot INTEGER, low INTEGER, high INTEGER NOT NULL, lane TEXT NOT NULL,
    day TEXT NOT NULL, PRIMARY KEY (node, epoch, boot, low)) WITHOUT ROWID;
"""
VERSION_2 = VERSION_1 + SINCE_1
VERSION_3 = VERSION_2 + SINCE_2
VERSION_4 = VERSION_3 + SINCE_3
VERSION_5 = VERSION_4 + SINCE_4
# What version 6 has besides; the table pack stays empty.
SINCE_5 = """
-- Packs with the ids from `first` to `last`, deflated, and when the latest of them came.
CREATE TABLE bundle (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, lane TEXT NOT NULL,
    received_ms INTEGER NOT NULL, packs BLOB NOT NULL);
DROP TABLE outgoing;
CREATE TABLE outgoing (
    destination TEXT, seq INTEGER, lane TEXT NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, packs INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    low INTEGER, high INTEGER, rowid INTEGER AS (seq),
    PRIMARY KEY (destination, lane, seq)) WITHOUT ROWID;
"""
VERSION_6 = VERSION_5 + SINCE_5


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
        old.execute(
            "INSERT INTO outgoing (destination, seq, lane, topic, payload, packs, created_ms)"
            " VALUES ('centre', 7, 'alarm', 't', x'7b7d', 0, 9)"
        )
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


def test_a_database_of_version_2_keeps_its_packs_and_gets_a_history_of_them(
    tmp_path: Path,
) -> None:
    path = _database(tmp_path, VERSION_2, 2)
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
    assert _version(path) == SCHEMA_VERSION


def test_a_database_of_version_3_gets_a_place_for_what_is_refused(tmp_path: Path) -> None:
    path = _database(tmp_path, VERSION_3, 3)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.epoch == "5f3a9c1e"
            assert [m.seq for m in await store.pending(CENTRE, "alarm", 0, 9)] == [7]
            assert await store.read(dead_letters.letters) == []

    asyncio.run(scenario())
    assert _version(path) == SCHEMA_VERSION


def test_a_database_of_version_4_gets_a_place_for_the_names_of_what_is_dropped(
    tmp_path: Path,
) -> None:
    path = _database(tmp_path, VERSION_4, 4)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.epoch == "5f3a9c1e"
            assert await store.read(drop.dropped) == []

    asyncio.run(scenario())
    assert _version(path) == SCHEMA_VERSION


def _full_of_packs(folder: Path, lanes: Sequence[Lane]) -> Path:
    """A database of version 5: packs with ids from 41, one more numbered; a message of two."""
    path = _database(folder, VERSION_5, 5)
    with contextlib.closing(sqlite3.connect(path)) as old:
        for n, lane in enumerate(lanes):
            body = b'[{"bt":1764000000,"n":"flood/level","u":"mm","v":%d}]' % n
            old.execute(
                "INSERT INTO pack VALUES (?, ?, ?, 7, ?, ?, ?, 1, 2, ?)",
                (n + 41, NODE, EPOCH, n, lane, START_MS + n, body),
            )
        message = compose_packs("gw-01/5f3a9c1e/8", [b"[]", b"[]"])
        old.execute("INSERT INTO outgoing VALUES ('centre', 8, 'data', 't', ?, 2, 9)", (message,))
        old.execute("UPDATE destination SET next_seq=9, pack_cursor=42")
        old.execute("INSERT INTO meta VALUES ('rolled_up', '43')")
        old.commit()
    return path


def test_the_packs_of_version_5_keep_their_ids_their_order_and_their_cursors(
    tmp_path: Path,
) -> None:
    lanes: list[Lane] = ["alarm" if 500 <= n < 503 else "data" for n in range(505)]
    path = _full_of_packs(tmp_path, lanes)
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
    assert _version(path) == SCHEMA_VERSION


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 60 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("left_bytes", [300_000, 0])
def test_a_version_5_database_is_taken_over_on_a_disk_that_others_have_filled(
    small_disk: Path, left_bytes: int
) -> None:
    _full_of_packs(small_disk, ["data"] * 60_000)
    (small_disk / "ballast").write_bytes(bytes(8 * 1024 * 1024))
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free - left_bytes))

    async def scenario() -> None:
        async with open_store(small_disk) as store:
            kept = await store.read(stored)
            assert [number for number, _ in kept] == list(range(41, 60_041))
            await store.commit(alarm(1))

    asyncio.run(scenario())


def test_a_program_of_version_5_finds_nothing_broken_before_it_finds_the_later_version(
    tmp_path: Path,
) -> None:
    path = _full_of_packs(tmp_path, ["data"] * 300)

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


def test_a_takeover_that_is_cut_short_goes_on_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _full_of_packs(tmp_path, ["data"] * 300)
    with contextlib.closing(sqlite3.connect(path)) as old:
        before = old.execute("SELECT * FROM pack ORDER BY id").fetchall()
    monkeypatch.setattr(bundles, "_MOVED_AT_ONCE", 50)
    real = bundles.move_some
    moved: list[bool] = []

    def cut(connection: sqlite3.Connection) -> bool:
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(real(connection))
        return moved[-1]

    with monkeypatch.context() as patch:
        patch.setattr(bundles, "move_some", cut)
        with pytest.raises(KeyboardInterrupt):
            schema.connect(path, START_MS)
    assert _version(path) == SCHEMA_VERSION

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert await store.read(stored) == [(n, PackRow(*pack)) for n, *pack in before]

    asyncio.run(scenario())


class _Dying(sqlite3.Connection):
    """Its program is killed before one of its statements."""

    left = 1 << 30

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        _Dying.left -= 1
        if _Dying.left < 0:
            raise KeyboardInterrupt
        return super().execute(*arguments)


def _held(path: Path) -> tuple[list[object], list[object]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT destination, seq, lane, topic, payload, packs, created_ms FROM outgoing"
        waiting = connection.execute(f"{query} ORDER BY 1, 2").fetchall()
        return waiting, [*stored(connection)]


def _full_of_messages(folder: Path, count: int, payload: bytes) -> Path:
    """A database of version 5 with so many alarms that wait, for two destinations in turn."""
    path = _full_of_packs(folder, ["data"] * 10)
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executemany(
            "INSERT INTO outgoing VALUES (?, ?, 'alarm', 't', ?, 0, 9)",
            [("fire" if n % 2 else "centre", n, payload) for n in range(20, 20 + count)],
        )
        old.commit()
    return path


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_a_takeover_that_is_killed_before_any_statement_keeps_every_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_rebuilt: bool
) -> None:
    old = _full_of_messages(tmp_path, 12, b"{}")
    monkeypatch.setattr(bundles, "_MOVED_AT_ONCE", 4)
    monkeypatch.setattr(messages, "_MOVED_AT_ONCE", 4)
    # What stays of what was written is the disk's part.
    monkeypatch.setattr(schema, "_make_durable", lambda c: c.execute("PRAGMA synchronous=OFF"))
    connect = functools.partial(sqlite3.connect, factory=_Dying)
    whole, path = tmp_path / "whole.db", tmp_path / "cut" / "haidang.db"
    path.parent.mkdir()
    shutil.copy(old, whole)
    schema.connect(whole, START_MS).close()
    expected = _held(whole)
    assert len(expected[0]) == 14
    cuts = 0
    while True:
        shutil.copy(old, path)
        _Dying.left = cuts
        with monkeypatch.context() as patch:
            patch.setattr(schema.sqlite3, "connect", connect)
            try:
                schema.connect(path, START_MS).close()
                break
            except KeyboardInterrupt:
                cuts += 1
        if is_rebuilt:
            aside = rescue.rescue(path, "told so by a test", START_MS).aside
            found, kept = _held(path)
            assert [message[2:4] for message in found] == [m[2:4] for m in expected[0]], cuts
            assert [n for n, _ in kept if n > 42] == [n for n, _ in expected[1] if n > 42], cuts
            aside.unlink()
        else:
            schema.connect(path, START_MS).close()
            assert _held(path) == expected, cuts
        _remove(path)
    assert cuts > 40


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


@pytest.mark.parametrize(("count", "payload_bytes"), [(200_000, 2), (16_000, 900), (160, 90_000)])
def test_messages_larger_than_the_room_that_is_left_are_taken_over(
    small_disk: Path, count: int, payload_bytes: int
) -> None:
    _full_of_messages(small_disk, count, bytes(payload_bytes))
    (small_disk / "ballast").write_bytes(bytes(8 * 1024 * 1024))
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free))

    async def scenario() -> None:
        async with open_store(small_disk) as store:
            alarms = [(await store.backlog(name)).alarms for name in (CENTRE, "fire")]
            assert alarms == [count // 2 + 1, count // 2]
            await store.commit(alarm(1))

    asyncio.run(scenario())


def test_what_waits_for_the_takeover_lies_in_one_tree_so_that_a_step_writes_few_pages(
    tmp_path: Path,
) -> None:
    path = _full_of_messages(tmp_path, 12, b"{}")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as half:
        schema.transaction(half, lambda c: schema._steps(c, 5, START_MS))
        indices = "SELECT name FROM sqlite_master WHERE type='index' AND sql IS NOT NULL"
        assert half.execute(indices).fetchall() == []
        assert half.execute("SELECT count(*) FROM outgoing_before").fetchone()[0] > 0


def test_what_is_broken_in_the_middle_of_a_takeover_gives_its_packs_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _full_of_packs(tmp_path, ["data"] * 300)
    monkeypatch.setattr(bundles, "_MOVED_AT_ONCE", 100)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as half:
        schema.transaction(half, lambda c: schema._steps(c, 5, START_MS))
        assert schema.transaction(half, bundles.move_some)
    check.mark(tmp_path, "told so by a test")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            kept = await store.read(stored)
            assert [n for n, _ in kept if n > 42] == list(range(43, 341))
            assert "dropped:database_broken" not in await store.ledger_sums()
            await store.commit(packs(row(900)))
            assert [n for n, _ in (await store.read(stored))[-2:]] == [340, 341]

    asyncio.run(scenario())


def test_a_broken_database_of_version_5_gives_its_packs_to_one_of_this_version(
    tmp_path: Path,
) -> None:
    path = _full_of_packs(tmp_path, ["data"] * 300)
    check.mark(tmp_path, "told so by a test")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            kept = await store.read(stored)
            assert [number for number, _ in kept] == list(range(43, 341))
            assert "dropped:database_broken" not in await store.ledger_sums()
            assert [m.seq for m in await store.pending(CENTRE, "data", 0, 9)] == [2]

    asyncio.run(scenario())
    assert _version(path) == SCHEMA_VERSION


def test_a_backup_of_version_5_is_restored_with_its_packs(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    copy = _full_of_packs(tmp_path / "old", ["data"] * 300)
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
    old = _database(tmp_path, VERSION_6, 6)
    (tmp_path / "new").mkdir()

    async def scenario() -> None:
        async with open_store(tmp_path / "new"):
            pass

    asyncio.run(scenario())
    assert tables(old) == tables(tmp_path / "new" / "haidang.db")


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
