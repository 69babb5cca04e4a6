"""The database file: how it is opened, made, brought up to this version, and only read."""

import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from haidang_gateway.errors import StoreBroken, StoreBusy, StoreError, StoreFull, StoreVersion
from haidang_gateway.store import bundles, messages
from haidang_gateway.store.tables import SCHEMA_VERSION, STEPS

Connection = sqlite3.Connection
SqlError = sqlite3.Error
FILE = "haidang.db"
PAGE_BYTES = 4096
_T = TypeVar("_T")
# The log is carried over beside the writer (care.py); only if that falls so far behind does
# a commit do it.
_LOG_PAGES = 4000
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# SQLite itself does not look at the bytes of a text; Python does, and has no code for it.
_NO_TEXT = "Could not decode to UTF-8"
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}


def connect(path: Path, now_ms: int) -> Connection:
    """A connection to a database of this version; an older one is brought up, a missing one made.

    Raises StoreVersion for a newer one, sqlite3's errors for everything else.
    """
    # Made and used in the writer's thread, but closed by whoever stops it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        _make_durable(connection)
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={2 * _LOG_PAGES * PAGE_BYTES}").fetchall()
        _bring_up(connection, path, now_ms)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """A read-only connection beside a running gateway; StoreError where there is no database."""
    try:
        # As a URI: a question mark in a folder's name must not end it.
        name = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(name, uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read: {_reason(path, error)}") from error


def _reason(path: Path, error: sqlite3.Error) -> str:
    try:
        if path.is_dir():
            return "it is a folder; name a file"
        if not path.exists():
            return "it does not exist; has the gateway run yet?"
        with path.open("rb"):
            return f"{error}; is it a database of the gateway, or a copy by `backup`?"
    except OSError as closed:
        return f"{closed.strerror}; use sudo"


@contextlib.contextmanager
def second(path: Path) -> Iterator[Connection]:
    """Another connection of this program to its own database; raises sqlite3's errors."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Its checkpoints must be as durable as the commits.
        _make_durable(connection)
        yield connection


def onlooker(path: Path) -> Connection:
    """A connection that only reads, opened and closed by whoever it is given to."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=1")
    return connection


def transaction(connection: Connection, work: Callable[[Connection], _T]) -> _T:
    """`work` as one transaction: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def take_over(connection: Connection) -> None:
    """Packs of a version 5 database become bundles, its messages come over: in small steps."""
    while has_table(connection, "outgoing_before"):
        _take_over_some(connection, messages.move_some)
    while connection.execute("SELECT 1 FROM pack LIMIT 1").fetchone():
        _take_over_some(connection, bundles.move_some)


def has_table(connection: Connection, table: str) -> bool:
    """Whether the description of the tables has it; raises sqlite3's errors."""
    query = "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?"
    return connection.execute(query, (table,)).fetchone() is not None


def is_broken(error: SqlError) -> bool:
    """Whether SQLite says that the file's content is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _BROKEN or str(error).startswith(_NO_TEXT)


def translated(error: SqlError, path: Path) -> StoreError:
    """The error of ours that says what to do."""
    if is_broken(error):
        return StoreBroken(f"{path}: is damaged: {error}; the next start rebuilds it")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull("the database or its disk is full; give it more room")
    if code in _PASSING:
        return StoreBusy(f"the database failed: {error}; check the disk")
    return StoreError(f"the database failed: {error}; check the disk")


def version_of(connection: Connection) -> int:
    """The schema's version; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def new_epoch() -> str:
    """A name for the numbers of one database, never used before."""
    return secrets.token_hex(4)


def _make_durable(connection: Connection) -> None:
    connection.execute("PRAGMA synchronous=FULL")
    # Debian's SQLite overwrites what is deleted. That doubles what a memory card writes; FAST does
    # it in the pages that are written anyway, and whole pages that became free wait to be reused.
    connection.execute("PRAGMA secure_delete=FAST").fetchall()


def _bring_up(connection: Connection, path: Path, now_ms: int) -> None:
    version = version_of(connection)
    if version > SCHEMA_VERSION:
        raise StoreVersion(
            f"{path}: has schema {version}, this program knows {SCHEMA_VERSION}; "
            "install the version that wrote it, or move the file away"
        )
    if version < SCHEMA_VERSION:
        # One transaction: a power cut leaves the older version whole.
        transaction(connection, lambda c: _steps(c, version, now_ms))
    # Behind a power cut the next start goes on here.
    take_over(connection)


def _take_over_some(connection: Connection, move: Callable[[Connection], object]) -> None:
    transaction(connection, move)
    # On a disk that others have filled the log finds little room.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _steps(connection: Connection, version: int, now_ms: int) -> None:
    for step in STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    if version == 0:
        meta = {"epoch": new_epoch(), "created_ms": str(now_ms)}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
