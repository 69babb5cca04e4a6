"""Whether a database can be trusted: a glance at every start, all of it now and then."""

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from haidang_gateway.store.age import AGED_MS
from haidang_gateway.store.bundles import sound_up_to
from haidang_gateway.store.schema import (
    FILE,
    Connection,
    SqlError,
    is_broken,
    second,
    version_of,
)
from haidang_gateway.store.tables import VITAL

_log = logging.getLogger(__name__)

CLEAN = "clean"
CHECKED_MS = "checked_ms"
_DOCS = ("rule_state", "boot", "node", "command")
_NUMBERS = ("created_ms", CHECKED_MS, "rolled_up", AGED_MS)
_LONG = ("revision", "audit", "outgoing", "quarantine", "history", "pack", "bundle")
# Of tables without row numbers.
_KEYS = {"history": "span_s, at, node", "outgoing": "destination, lane, seq"}
_SELDOM = ("dead_letter", "dropped")
_MARK = f"{FILE}.broken"
_WHOLE = [("ok",)]
_LOWEST_NICENESS = 19


def mark(folder: Path, reason: str) -> None:
    """Have the next start rebuild the database; a mark that cannot be written is only logged."""
    try:
        (folder / _MARK).write_text(reason + "\n", encoding="utf-8")
    except OSError as error:
        _log.error("%s: the broken database cannot be marked: %s", folder, error.strerror)


def unmark(folder: Path) -> None:
    """Take the mark off."""
    (folder / _MARK).unlink(missing_ok=True)


def marked(folder: Path) -> str:
    """Why the database was marked as broken; empty if it was not."""
    try:
        return (folder / _MARK).read_text(encoding="utf-8").strip() or "marked as broken"
    except OSError:
        return ""


def begin(connection: Connection) -> None:
    """Note that the database is in use; what finds this note next finds no orderly end."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, '0')", (CLEAN,))


def end_cleanly(connection: Connection) -> None:
    """Note that everything came to an orderly end."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, '1')", (CLEAN,))


def passed(connection: Connection, now_ms: int) -> None:
    """Note when all of the database was found sound."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (CHECKED_MS, str(now_ms)))


def missing(connection: Connection) -> str:
    """Which tables are missing that every database of a gateway has; empty if none."""
    lacking = {"meta", "pack", "rule_state", "destination"} - _tables(connection)
    return f"tables are missing: {', '.join(sorted(lacking))}" if lacking else ""


def glance(path: Path) -> str:
    """What is wrong with a database, as far as its few vital rows tell; empty if nothing.

    Takes milliseconds whatever the size: it reads the small tables whole and both ends of the
    others. Raises sqlite3's errors for a file that is not damaged but cannot be used now.
    """
    try:
        with second(path) as connection:
            if version_of(connection) == 0:
                return ""
            return _vital(connection) or _ends(connection)
    except SqlError as error:
        if is_broken(error):
            return str(error)
        raise


class Look:
    """One look through a whole database, in a thread of its own; `stop` ends it from outside."""

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self._path = path
        self._connection: Connection | None = None
        self._stopped = False

    def run(self) -> str:
        """What is wrong with it, all of it read; empty if nothing. Takes minutes.

        Table by table, so that no single look holds the log for long.
        """
        # This thread alone: the pipeline goes first. A sandbox may forbid even that.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_NICENESS)
        try:
            with second(self._path) as self._connection:
                known = _tables(self._connection)
                for table in (*VITAL, *_LONG, *_SELDOM):
                    if self._stopped:
                        return ""
                    if table in known and (found := _checked(self._connection, table)):
                        return "" if self._stopped else found
                self._inflate(self._connection)
        except SqlError as error:
            if is_broken(error):
                return str(error)
            if not self._stopped:
                raise
        return ""

    def _inflate(self, connection: Connection) -> None:
        """SQLite does not look into the bundles; some at a time, for the same reason."""
        last: int | None = 0
        while last is not None and not self._stopped:
            last = sound_up_to(connection, last)

    async def alone(self, run: Callable[[], str]) -> str:
        """What `run` says, in a thread of its own that ends with its caller."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store check")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, run)
        finally:
            self.stop()
            thread.shutdown()

    def stop(self) -> None:
        """End the look; one that has ended is not touched."""
        self._stopped = True
        if self._connection is not None:
            with contextlib.suppress(SqlError):
                self._connection.interrupt()


def _vital(connection: Connection) -> str:
    if lacking := missing(connection):
        return lacking
    known = _tables(connection)
    for table in VITAL:
        if table in known and (found := _checked(connection, table)):
            return found
    for table in known & set(_DOCS):
        for (doc,) in connection.execute(f"SELECT doc FROM {table}"):  # noqa: S608 (our names)
            try:
                json.loads(doc)
            except ValueError as error:
                return f"{table} holds what is no JSON: {error}"
    return _meta(dict(connection.execute("SELECT key, value FROM meta").fetchall()))


def _meta(facts: dict[str, str]) -> str:
    if "epoch" not in facts:
        return "the database has no epoch"
    numbers = {name: facts.get(name, "0") for name in _NUMBERS}
    numbers["renewed"] = str(facts.get("renewed", "- 0")).partition(" ")[2]
    wrong = next((name for name, value in numbers.items() if not str(value).isdecimal()), "")
    return f"meta has no number as {wrong}" if wrong else ""


def _ends(connection: Connection) -> str:
    for table in _tables(connection) & set(_LONG):
        order = _KEYS.get(table, "rowid")
        for way in ("ASC", "DESC"):
            by = ", ".join(f"{column} {way}" for column in order.split(", "))
            connection.execute(
                f"SELECT * FROM {table} ORDER BY {by} LIMIT 20"  # noqa: S608 (our names)
            ).fetchall()
    return ""


def _checked(connection: Connection, table: str) -> str:
    try:
        rows = connection.execute(f"PRAGMA quick_check('{table}')").fetchmany(1)
    except SqlError as error:
        if is_broken(error):
            return f"{table}: {error}"
        raise
    return "" if rows == _WHOLE else f"{table}: {rows[0][0]}"


def _tables(connection: Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}
