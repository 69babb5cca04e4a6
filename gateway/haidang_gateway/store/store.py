"""The durable heart: one SQLite database, one writer thread, one transaction per batch."""

import asyncio
import contextlib
import datetime
import functools
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from haidang_gateway.batch import Backlog, Batch, BootKey, Confirmed, Draft, Outgoing
from haidang_gateway.errors import StoreError, StoreFull
from haidang_gateway.model import OutLane
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import check, log_file, messages, queries, room, writes
from haidang_gateway.store.opening import Opened, lock, open_store
from haidang_gateway.store.readers import StoreReads
from haidang_gateway.store.schema import (
    FILE,
    Connection,
    SqlError,
    is_broken,
    transaction,
    translated,
)
from haidang_gateway.store.thread import StoreThread
from haidang_gateway.store.times import CommitTimes

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ROOM_ROUNDS, _ROOM_STEPS = 3, 10
_EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"


class Store:
    """Owns the database: one thread writes, commits before all else; two read, one what is sent.

    Raises StoreFull when no room can be made, StoreBusy where the disk fails (both retryable),
    StoreBroken for damaged content, StoreError for everything else.
    """

    def __init__(self, folder: Path, gateway: str, settings: StoreSettings) -> None:
        """Store the arguments; `open` does the work."""
        self.epoch = ""
        self.created_ms = 0
        self.opened = Opened()
        self.room_made = 0
        self.broken = ""
        self.commits = CommitTimes()
        self._folder = folder
        self.path = folder / FILE
        self._gateway = gateway
        self._settings = settings
        self._thread = StoreThread("store")
        self._reads = StoreReads("store reads", self._translated)
        self._sends = StoreReads("store sends", self._translated)
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside the store")
        self._lock_fd: int | None = None
        self._connection: Connection | None = None
        self._room = room.Room(folder, settings)
        self._now_ms = 0
        self._closed = False

    async def open(self, now_ms: int) -> None:
        """Lock the folder, look at the database and open it; a broken one is rebuilt."""
        try:
            await self._call(lambda: self._open(now_ms))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is under way and release everything; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._call(self._close)
        self._thread.shutdown()
        self._beside.shutdown()

    async def commit(self, batch: Batch) -> None:
        """Make the batch durable (fsync) as one transaction."""
        await self._thread.call_first(lambda: self._commit(batch))

    async def compose_data(self, draft: Draft, now_ms: int, **bounds: int) -> int:
        """Number waiting packs as writes.compose_data, which has `bounds`; how many packs."""
        return await self._call(
            lambda: self._write(lambda c: writes.compose_data(c, draft, now_ms, **bounds))
        )

    async def confirm(
        self, destination: str, epoch: str, ranges: Sequence[Sequence[int]]
    ) -> Confirmed:
        """Delete what the destination has committed; another epoch's ranges mean nothing here."""
        if epoch != self.epoch:
            return Confirmed()
        return await self._call(
            lambda: self._write(lambda c: writes.confirm(c, destination, ranges))
        )

    async def pending(
        self, destination: str, lane: OutLane, after_seq: int, limit: int
    ) -> list[Outgoing]:
        """Unconfirmed messages of a lane above `after_seq`, in rising order."""
        return await self._sends.read(
            lambda c: messages.pending(c, destination, lane, after_seq, limit),
            first=lane == "alarm",
        )

    async def rule_states(self) -> dict[str, dict[str, Any]]:
        """All states of the alarm rules by key."""
        return await self.read(queries.rule_states)

    async def boots(self) -> dict[BootKey, dict[str, Any]]:
        """What the ledger knew of every boot at the last commit."""
        return await self.read(queries.boots)

    async def nodes(self) -> dict[str, dict[str, Any]]:
        """What each node last declared of itself."""
        return await self.read(queries.nodes)

    async def commands(self) -> dict[str, dict[str, Any]]:
        """Commands for nodes by their id, finished ones of late too."""
        return await self.read(queries.commands)

    async def counters(self) -> dict[str, int]:
        """What was counted since the database exists, by name."""
        return await self.read(queries.counters)

    async def backlog(self, destination: str) -> Backlog:
        """How much waits for a destination."""
        return await self.read(lambda c: queries.backlog(c, destination))

    async def ledger_sums(self) -> dict[str, int]:
        """Counts of all nodes and days by what was counted."""
        return await self.read(queries.ledger_sums)

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Something that is read beside the commits."""
        return await self._reads.read(work)

    async def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Figures of the file and of the commits, for Prometheus."""
        return await self.read(self._room.samples) + [
            ("haidang_commits_total", {}, self.commits.count),
            ("haidang_commit_seconds_total", {}, self.commits.sum_s),
            ("haidang_commit_longest_seconds", {}, self.commits.longest_s),
            ("haidang_store_rows_deleted_total", {}, self.room_made),
        ]

    async def care(self, work: Callable[[Connection], _T]) -> _T:
        """Something short that is written, for which no room is made."""
        return await self._call(
            lambda: self._translated(lambda: transaction(self._open_connection, work))
        )

    async def keep_room(self, now_ms: int) -> int:
        """Where little room is left in the file, delete some of the oldest; how many rows."""
        self._now_ms = now_ms
        return await self._call(self._keep_room)

    async def renew_reserve(self) -> None:
        """Lay the reserve file down again where the disk has room; set how far the file grows."""
        await self._call_beside(self._room.lay)
        await self._call(lambda: self._translated(lambda: self._room.limit(self._open_connection)))

    async def log_pages(self) -> int:
        """How many pages the log holds since it last began anew."""
        return await self._call_beside(lambda: log_file.pages(self.path))

    async def carry_over(self) -> int:
        """Move the log's pages into the file, beside the commits; how many it holds."""
        await self._call_beside(lambda: self._translated(lambda: log_file.empty(self.path)))
        # The last few between two commits: a log begins anew when all of it is in the file.
        rest = functools.partial(log_file.carry_over, self._open_connection)
        return await self._call(lambda: self._translated(rest))

    async def look_through(self) -> str:
        """Read the whole database beside the commits; what is wrong with it, empty if nothing."""
        look = check.Look(self.path)
        found = await look.alone(lambda: self._translated(look.run))
        if found:
            self._mark(found)
        return found

    @property
    def _prefix(self) -> str:
        return f"{self._gateway}/{self.epoch}"

    @property
    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise StoreError("the database is not open")
        return self._connection

    async def _call(self, work: Callable[[], _T]) -> _T:
        return await self._thread.call(work)

    async def _call_beside(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._beside, work)

    def _open(self, now_ms: int) -> None:
        self._lock_fd = lock(self._folder)
        self._now_ms = now_ms
        try:
            self._connection, self.opened = open_store(self.path, now_ms)
        except StoreFull:
            self._room.give_up()
            self._connection, self.opened = open_store(self.path, now_ms)
        self.epoch, self.created_ms = self.opened.epoch, self.opened.created_ms
        self._reads.open(self.path)
        self._sends.open(self.path)
        self._room.lay()
        self._room.limit(self._connection)

    def _close(self) -> None:
        self._reads.close()
        self._sends.close()
        if self._connection is not None:
            with contextlib.suppress(StoreError):
                work = check.end_cleanly
                self._translated(lambda: transaction(self._open_connection, work))
            self._connection.close()
            self._connection = None
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def _commit(self, batch: Batch) -> None:
        self._now_ms = batch.now_ms
        with self.commits.timed():
            self._write(lambda c: writes.write_batch(c, batch, self._prefix))

    def _write(self, work: Callable[[Connection], _T]) -> _T:
        for again in range(_ROOM_ROUNDS):
            try:
                return self._translated(lambda: transaction(self._open_connection, work))
            except StoreFull:
                self._make_room(sparing=not again)
        return self._translated(lambda: transaction(self._open_connection, work))

    def _keep_room(self) -> int:
        if not self._translated(lambda: self._room.is_tight(self._open_connection)):
            return 0
        try:
            gone = self._drop_oldest()
        except StoreFull:
            self._make_room(sparing=True)
            return 0
        self._count_room(gone)
        return gone

    def _make_room(self, *, sparing: bool) -> None:
        # `sparing`: no more than an ordinary commit needs.
        connection = self._open_connection
        self._translated(lambda: self._room.give_up_ballast(connection))
        gone = 0
        # In small steps, since on a full disk even the log of a deletion finds no room; between
        # them the log's own space is given back.
        with contextlib.suppress(StoreFull):
            for _ in range(_ROOM_STEPS):
                self._translated(lambda: connection.execute(_EMPTY_LOG).fetchall())
                gone += self._drop_oldest()
                if sparing and not self._translated(lambda: self._room.is_tight(connection)):
                    break
            self._translated(lambda: connection.execute(_EMPTY_LOG).fetchall())
        self._count_room(gone)

    def _drop_oldest(self) -> int:
        moment = datetime.datetime.fromtimestamp(self._now_ms / 1000, datetime.UTC)
        day = moment.date().isoformat()
        return self._translated(
            lambda: transaction(
                self._open_connection, lambda c: room.make_room(c, day, self._now_ms)
            )
        )

    def _count_room(self, gone: int) -> None:
        level = logging.DEBUG if self.room_made else logging.WARNING
        _log.log(level, "the database is full: %s old rows deleted; give it more room", gone)
        self.room_made += gone

    def _translated(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except SqlError as error:
            if is_broken(error):
                self._mark(str(error))
            raise translated(error, self.path) from error

    def _mark(self, reason: str) -> None:
        self.broken = self.broken or reason
        check.mark(self._folder, reason)
