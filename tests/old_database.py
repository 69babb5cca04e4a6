"""Databases as older versions left them, and what they held."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from haidang_gateway.model import Lane
from haidang_gateway.outgoing import compose_packs
from node_packs import EPOCH, NODE, START_MS

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


def database(folder: Path, tables: str, version: int) -> Path:
    """A small one in a folder: a rule's state, a boot, a day, an alarm that waits; its path."""
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


def version_of(path: Path) -> int:
    """The version that a database says it is of."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def full_of_packs(folder: Path, lanes: Sequence[Lane]) -> Path:
    """A database of version 5: packs with ids from 41, one more numbered; a message of two."""
    path = database(folder, VERSION_5, 5)
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


def full_of_messages(folder: Path, count: int, payload: bytes) -> Path:
    """A database of version 5 with so many alarms that wait, for two destinations in turn."""
    path = full_of_packs(folder, ["data"] * 10)
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executemany(
            "INSERT INTO outgoing VALUES (?, ?, 'alarm', 't', ?, 0, 9)",
            [("fire" if n % 2 else "centre", n, payload) for n in range(20, 20 + count)],
        )
        old.commit()
    return path
