"""The database file: its tables, how it is opened and checked, and what a broken one means."""

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from haidang_gateway.errors import StoreError

SCHEMA_VERSION = 2
_PAGE_BYTES = 4096

# What each version added; version 1 is the first that was ever installed.
_SINCE_1 = """
-- What a node declares of itself: a restart must not forget how seldom a sleeping one speaks.
CREATE TABLE node (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
-- Kept until the reply came, and a while longer to know a command that comes again.
CREATE TABLE command (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
_TABLES = """
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
_MIGRATIONS = {1: _SINCE_1}


def max_pages(max_mb: int) -> int:
    """The page limit for a size limit."""
    return max_mb * 1024 * 1024 // _PAGE_BYTES


def open_database(path: Path, max_mb: int, now_ms: int) -> tuple[sqlite3.Connection, Path | None]:
    """A checked connection, and where a broken file was set aside (None: all was well).

    A broken file is never repaired in place: a new database with a new epoch takes over, nodes
    send again what they hold, and the old file is kept for a technician.
    """
    set_aside = None
    if path.exists() and not _sound(path):
        set_aside = _set_aside(path, now_ms)
    try:
        return _connect(path, max_mb, now_ms), set_aside
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened: {error}; check the disk") from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection beside a running gateway; StoreError where there is no database."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read: {error}; has the gateway run yet?") from error


def _connect(path: Path, max_mb: int, now_ms: int) -> sqlite3.Connection:
    # The connection is made and used in the one writer thread, but closed by whoever stops it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA max_page_count={max_pages(max_mb)}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            _create(connection, now_ms)
        elif version in _MIGRATIONS:
            _migrate(connection, version)
        elif version != SCHEMA_VERSION:
            raise StoreError(
                f"{path}: has schema {version}, this program knows {SCHEMA_VERSION}; "
                "install the version that wrote it, or move the file away"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: sqlite3.Connection, now_ms: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in (_TABLES + _SINCE_1).split(";"):
        connection.execute(statement)
    meta = {"epoch": secrets.token_hex(4), "created_ms": str(now_ms)}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """From an older version to this one in one transaction: a power cut leaves the old one."""
    connection.execute("BEGIN IMMEDIATE")
    for older in range(version, SCHEMA_VERSION):
        for statement in _MIGRATIONS[older].split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _sound(path: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            row = connection.execute("PRAGMA quick_check(1)").fetchone()
            return row is not None and row[0] == "ok"
    except sqlite3.DatabaseError as error:
        # A locked or unreadable file is not a broken one, and must not be moved away.
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return False
        raise StoreError(f"{path}: cannot be checked: {error}; check the disk") from error


def _set_aside(path: Path, now_ms: int) -> Path:
    target = path.with_name(f"{path.name}.broken-{now_ms}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return target
