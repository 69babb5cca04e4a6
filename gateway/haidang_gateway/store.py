"""The durable heart: one SQLite database, one writer thread, one transaction per batch."""

import asyncio
import contextlib
import datetime
import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from haidang_gateway import store_read, store_write
from haidang_gateway.batch import Backlog, Batch, BootKey, Confirmed, Draft, Outgoing
from haidang_gateway.errors import StoreBusy, StoreError, StoreFull
from haidang_gateway.model import OutLane
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store_schema import max_pages, open_database
from haidang_gateway.store_write import ComposeData

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

# Freed when the disk is full: SQLite needs room in its log even to delete.
_BALLAST_BYTES = 8 * 1024 * 1024
_ROOMY_BYTES = 3 * _BALLAST_BYTES
_ROOM_ROUNDS = 3
_ROOM_STEPS = 10
_EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}
_FORGET_EVERY = 100


class Store:
    """Owns the database; every call runs in its one thread, in the order of the calls.

    Raises StoreFull (retryable) when no room can be made, StoreError for everything else.
    """

    def __init__(self, folder: Path, gateway: str, settings: StoreSettings) -> None:
        """Store the arguments; `open` does the work."""
        self.epoch = ""
        self.created_ms = 0
        self.set_aside: Path | None = None
        self.room_made = 0
        self._folder = folder
        self._gateway = gateway
        self._settings = settings
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._lock_fd: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._commits = 0
        self._now_ms = 0

    async def open(self, now_ms: int) -> None:
        """Lock the folder, check and open the database; a broken file is set aside."""
        await self._call(lambda: self._open(now_ms))

    async def close(self) -> None:
        """Finish what is under way and release everything."""
        await self._call(self._close)
        self._thread.shutdown()

    async def commit(self, batch: Batch) -> None:
        """Make the batch durable (fsync) as one transaction."""
        await self._call(lambda: self._commit(batch))

    async def compose_data(self, draft: Draft, compose: ComposeData, now_ms: int) -> int:
        """Number waiting packs into data messages; how many packs were taken."""
        return await self._call(
            lambda: self._write(
                lambda c: store_write.compose_data(c, draft, compose, self._prefix, now_ms)
            )
        )

    async def confirm(
        self, destination: str, epoch: str, ranges: Sequence[Sequence[int]]
    ) -> Confirmed:
        """Delete what the destination has committed; another epoch's ranges mean nothing here."""
        if epoch != self.epoch:
            return Confirmed()
        return await self._call(
            lambda: self._write(lambda c: store_write.confirm(c, destination, ranges))
        )

    async def pending(
        self, destination: str, lane: OutLane, after_seq: int, limit: int
    ) -> list[Outgoing]:
        """Unconfirmed messages of a lane above `after_seq`, in rising order."""
        return await self._read(
            lambda c: store_read.pending(c, destination, lane, after_seq, limit)
        )

    async def rule_states(self) -> dict[str, dict[str, Any]]:
        """All states of the alarm rules by key."""
        return await self._read(store_read.rule_states)

    async def boots(self) -> dict[BootKey, dict[str, Any]]:
        """What the ledger knew of every boot at the last commit."""
        return await self._read(store_read.boots)

    async def nodes(self) -> dict[str, dict[str, Any]]:
        """What each node last declared of itself."""
        return await self._read(store_read.nodes)

    async def commands(self) -> dict[str, dict[str, Any]]:
        """Commands for nodes by their id, finished ones of late too."""
        return await self._read(store_read.commands)

    async def counters(self) -> dict[str, int]:
        """What was counted since the database exists, by name."""
        return await self._read(store_read.counters)

    async def backlog(self, destination: str) -> Backlog:
        """How much waits for a destination."""
        return await self._read(lambda c: store_read.backlog(c, destination))

    async def ledger_sums(self) -> dict[str, int]:
        """Counts of all nodes and days by what was counted."""
        return await self._read(store_read.ledger_sums)

    @property
    def _prefix(self) -> str:
        return f"{self._gateway}/{self.epoch}"

    @property
    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError("the database is not open")
        return self._connection

    async def _call(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._call(lambda: _translated(lambda: work(self._open_connection)))

    def _open(self, now_ms: int) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock()
        except OSError as error:
            raise StoreError(
                f"{self._folder}: {error.strerror}; check that the folder is writable"
            ) from error
        self._now_ms = now_ms
        path = self._folder / "haidang.db"
        self._connection, self.set_aside = open_database(path, self._settings.max_mb, now_ms)
        self._renew_reserve()
        facts = store_read.meta(self._connection)
        self.epoch, self.created_ms = facts["epoch"], int(facts["created_ms"])
        if self.set_aside:
            _log.error(
                "the database was broken and is kept at %s; a new one (epoch %s) takes over",
                self.set_aside,
                self.epoch,
            )

    def _lock(self) -> None:
        self._lock_fd = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"{self._folder}: another gateway runs on this folder; stop it first"
            ) from error

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def _commit(self, batch: Batch) -> None:
        self._now_ms = batch.now_ms
        self._write(lambda c: store_write.write_batch(c, batch, self._prefix))
        self._commits += 1
        if self._commits % _FORGET_EVERY == 0:
            self._tidy()

    def _tidy(self) -> None:
        # Never an error of the commit before it: that one is done and must not be repeated.
        keep = self._settings.keep_packs
        try:
            self._write(lambda c: store_write.forget_packs(c, keep))
            self._renew_reserve()
        except StoreError as error:
            _log.warning("old packs stay for now: %s", error)

    def _write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        for _ in range(_ROOM_ROUNDS):
            try:
                return _translated(lambda: _transaction(self._open_connection, work))
            except StoreFull:
                self._make_room()
        return _translated(lambda: _transaction(self._open_connection, work))

    def _make_room(self) -> None:
        connection = self._open_connection
        # What the ballast gives back must serve the log: the file itself grows no further (SQLite
        # takes the present size where the limit is lower).
        _translated(lambda: connection.execute("PRAGMA max_page_count=1").fetchall())
        (self._folder / "ballast").unlink(missing_ok=True)
        day = datetime.datetime.fromtimestamp(self._now_ms / 1000, datetime.UTC).date().isoformat()
        gone = 0
        # In small steps, since on a full disk even the log of a deletion finds no room; between
        # them the log's own space is given back.
        with contextlib.suppress(StoreFull):
            for _ in range(_ROOM_STEPS):
                _translated(lambda: connection.execute(_EMPTY_LOG).fetchall())
                gone += _translated(
                    lambda: _transaction(
                        connection, lambda c: store_write.make_room(c, day, self._now_ms)
                    )
                )
            _translated(lambda: connection.execute(_EMPTY_LOG).fetchall())
        self.room_made += gone
        _log.warning("the database is full: %s old rows dropped; give it more room", gone)

    def _renew_reserve(self) -> None:
        """Lay the ballast down again, and let the file grow, once the disk has room for it."""
        path = self._folder / "ballast"
        try:
            if shutil.disk_usage(self._folder).free < _ROOMY_BYTES:
                return
            if not path.exists() or path.stat().st_size != _BALLAST_BYTES:
                path.write_bytes(bytes(_BALLAST_BYTES))
        except OSError as error:
            path.unlink(missing_ok=True)
            _log.warning("no room for the reserve file %s: %s", path, error.strerror)
            return
        limit = max_pages(self._settings.max_mb)
        connection = self._open_connection
        _translated(lambda: connection.execute(f"PRAGMA max_page_count={limit}").fetchall())


def _transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _translated(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise StoreFull("the database or its disk is full; give it more room") from error
        if code in _PASSING:
            raise StoreBusy(f"the database failed: {error}; check the disk") from error
        raise StoreError(f"the database failed: {error}; check the disk") from error
