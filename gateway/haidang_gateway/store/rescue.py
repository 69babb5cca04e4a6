"""A broken database is set aside, and a new one takes over all that can still be read of it."""

import datetime
import functools
import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haidang_gateway.errors import StoreError
from haidang_gateway.store import bundles, history, losses, messages
from haidang_gateway.store.payloads import Torn, sent
from haidang_gateway.store.renew import mend_rules, renew
from haidang_gateway.store.salvage import TornTable
from haidang_gateway.store.schema import (
    Connection,
    SqlError,
    connect,
    has_table,
    reading,
    take_over,
    transaction,
)
from haidang_gateway.store.writes import audit

_log = logging.getLogger(__name__)

# The rest of what can wait stays in the file that was set aside: alarms wait for the start.
_LONGEST_S = 20.0
_CAN_WAIT = ("quarantine", "bundle", "history_name", "history")
# What decides, numbers and sends alarms comes first; then what a node keeps no copy of.
_ORDER = (
    "rule_state",
    "destination",
    "node",
    "command",
    "counter",
    "boot",
    "ledger_day",
    "dropped",
    "audit",
    "outgoing",
    "dead_letter",
    "revision",
    *_CAN_WAIT,
)
# So many columns always hold something, where not all do.
_WHOLE = {"outgoing": 7, "outgoing_before": 7}
_INTO = {"outgoing_before": "outgoing"}
_DOCS = {"rule_state": 1, "node": 1, "command": 1, "boot": 3}


@dataclass(slots=True)
class Rescue:
    """What was taken over, by table, and the tables of which something is missing."""

    reason: str
    aside: Path
    taken: dict[str, int] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)
    packs_lost: int = 0

    def said(self) -> str:
        """One line for the log."""
        rows = ", ".join(f"{table} {count}" for table, count in self.taken.items() if count)
        missing = ", ".join(self.torn) or "nothing that is known of"
        return (
            f"the database was broken ({self.reason}); it is kept at {self.aside}. Rows taken "
            f"over: {rows or 'none'}. Missing in part: {missing}"
        )


def rescue(path: Path, reason: str, now_ms: int) -> Rescue:
    """Put a new database in the place of a broken one; a power cut in between loses nothing.

    Raises StoreError where the disk does not let it.
    """
    result = Rescue(reason, aside(path, "broken", now_ms))
    fresh = path.with_name(path.name + ".new")
    try:
        remove(fresh)
        connection = connect(fresh, now_ms)
        try:
            # Durability comes at the end, with the rename.
            connection.execute("PRAGMA synchronous=OFF")
            _take_over(path, connection, result, now_ms)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        finally:
            connection.close()
        move(path, result.aside)
        move(fresh, path)
    except (SqlError, OSError) as error:
        raise StoreError(
            f"{path}: is broken ({reason}) and cannot be rebuilt: {error}; check the disk, "
            "free some of it, or move the file away"
        ) from error
    return result


def finish(path: Path) -> None:
    """End what a power cut has interrupted between the renames of a rescue or restore."""
    fresh = path.with_name(path.name + ".new")
    if fresh.exists() and (renewed := _renewed(fresh)):
        why, _, at_ms = renewed.partition(" ")
        kept = aside(path, "broken" if why == "rebuilt" else "replaced", int(at_ms))
        # Without its log the old one would be that of a minute ago, and count on from there.
        if not path.exists() or any(part.exists() for part in _parts(kept)):
            move(path, kept)
            move(fresh, path)
    remove(fresh)


def aside(path: Path, kind: str, now_ms: int) -> Path:
    """Where a broken or replaced database goes, with the time in its name."""
    moment = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    return path.with_name(f"{path.name}.{kind}-{moment:%Y%m%dT%H%M%S}{now_ms % 1000:03d}Z")


def move(path: Path, target: Path) -> None:
    """A database with its log."""
    # The log first: a database beside another one's log would be destroyed by it.
    for part, new in zip(_parts(path), _parts(target), strict=True):
        if part.exists():
            part.rename(new)


def remove(path: Path) -> None:
    """Delete a database with its log."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _parts(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "")]


def _renewed(path: Path) -> str:
    try:
        with reading(path) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key='renewed'").fetchone()
            value = str(row[0]) if row else ""
            return value if value.partition(" ")[2].isdecimal() else ""
    except (StoreError, SqlError):
        return ""


def _take_over(path: Path, fresh: Connection, result: Rescue, now_ms: int) -> None:
    end_s = time.monotonic() + _LONGEST_S
    with reading(path) as old:
        kept = _meta(old, result)
        for table in _order(old):
            result.taken[table] = _table(old, fresh, table, result, end_s)
        take_over(fresh)
        losses.wait_again(old, fresh)
        cursors_known = "destination" not in result.torn
        result.packs_lost = losses.packs_lost(old, fresh, cursors_known=cursors_known)
    transaction(fresh, lambda c: _settle(c, kept, result, now_ms))


def _settle(connection: Connection, kept: dict[str, str], result: Rescue, now_ms: int) -> None:
    if "boot" not in result.torn and kept.get("created_ms", "").isdecimal():
        # The ledger's records are whole, so it goes on answering for what came before.
        connection.execute("UPDATE meta SET value=? WHERE key='created_ms'", (kept["created_ms"],))
    rolled_up = kept.get(history.CURSOR, "")
    newest = bundles.newest(connection)
    history.move_cursor(connection, int(rolled_up) if rolled_up.isdecimal() else newest)
    _count_missing(connection, result.packs_lost, now_ms)
    mend_rules(connection)
    messages.drop_empty(connection)
    renew(connection, now_ms, "rebuilt")
    audit(connection, now_ms, "rebuilt", result.aside.name, "0" * 64)


def _order(old: Connection) -> list[str]:
    """The tables as they come over; packs from where this database's version has them.

    Where a takeover was cut short, from before it and from behind it; messages too.
    """
    try:
        packs = [table for table in ("bundle", "pack") if has_table(old, table)]
        waiting = [table for table in _INTO if has_table(old, table)]
    except SqlError:
        packs, waiting = ["bundle"], []
    twofold = {"bundle": packs, "outgoing": ["outgoing", *waiting]}
    return [name for table in _ORDER for name in twofold.get(table, [table])]


def _count_missing(connection: Connection, packs: int, now_ms: int) -> None:
    """Packs that nodes keep no copy of any more; whose they were cannot be read."""
    day = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).date().isoformat()
    if packs > 0:
        connection.execute(
            "INSERT INTO ledger_day VALUES ('-', ?, 'dropped:database_broken', ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            (day, packs),
        )


def _meta(old: Connection, result: Rescue) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in old.execute("SELECT key, value FROM meta")}
    except SqlError:
        result.torn.append("meta")
        return {}


def _table(old: Connection, fresh: Connection, table: str, result: Rescue, end_s: float) -> int:
    """Copy what can be read of a table; how many rows."""
    columns, into = _columns(old, table), _INTO.get(table, table)
    # A later version adds columns at the end.
    if not columns or columns != _columns(fresh, into)[: len(columns)]:
        # Absent in an older version, or the description of the tables cannot be read.
        result.torn.append(table)
        return 0
    taken = 0
    reader = TornTable(old, table, columns)
    marks = ", ".join("?" * len(columns))
    names = ", ".join(columns)
    insert = f"INSERT OR IGNORE INTO {into} ({names}) VALUES ({marks})"  # noqa: S608
    for rows in reader.chunks():
        if time.monotonic() > end_s and table in (*_CAN_WAIT, "pack"):
            reader.torn = True
            break
        sound = [row for row in rows if _is_sound(table, row)]
        reader.torn |= len(sound) < len(rows)
        taken += transaction(fresh, functools.partial(_insert, insert, sound))
    if reader.torn:
        result.torn.append(table)
    return taken


def _insert(statement: str, rows: list[tuple[Any, ...]], connection: Connection) -> int:
    before = connection.total_changes
    connection.executemany(statement, rows)
    return connection.total_changes - before


def _is_sound(table: str, row: tuple[Any, ...]) -> bool:
    try:
        if table == "bundle":
            first, last, _, _, packs = row
            return bool(len(bundles.rows_of(packs)) == last - first + 1)
        if table in _WHOLE:
            sent(row[2], row[4])
        if table in _DOCS:
            json.loads(row[_DOCS[table]])
    except (ValueError, TypeError, Torn):
        return False
    return table in _DOCS or None not in row[: _WHOLE.get(table, len(row))]


def _columns(connection: Connection, table: str) -> list[str]:
    try:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    except SqlError:
        return []
