"""The bytes of numbered messages: kept, or made of the packs that they stand for."""

import sqlite3
from typing import NamedTuple

from haidang_wire import topics
from haidang_wire.documents import wrap_packs

from haidang_gateway.batch import Outgoing
from haidang_gateway.model import OutLane
from haidang_gateway.store import bundles
from haidang_gateway.store.payloads import sent

Connection = sqlite3.Connection

# Of a version 5 database: the log of so many takes a few megabytes at most, see bundles.py.
_MOVED_AT_ONCE = 1000
_MOVED_BYTES = 1024 * 1024


class _Row(NamedTuple):
    destination: str
    seq: int
    lane: OutLane
    topic: str
    payload: bytes
    created_ms: int
    low: int | None
    high: int | None


def pending(
    connection: Connection, destination: str, lane: OutLane, after_seq: int, limit: int
) -> list[Outgoing]:
    """Unconfirmed messages of a lane above `after_seq`, in rising order."""
    # One moment for both tables: what is confirmed meanwhile has its packs still.
    connection.execute("BEGIN")
    try:
        rows = connection.execute(
            f"SELECT {', '.join(_Row._fields)} FROM outgoing"  # noqa: S608 (our own names)
            " WHERE destination=? AND lane=? AND seq>? ORDER BY seq LIMIT ?",
            (destination, lane, after_seq, limit),
        ).fetchall()
        return [_outgoing(connection, _Row(*row)) for row in rows]
    finally:
        connection.execute("ROLLBACK")


def payload(connection: Connection, destination: str, lane: OutLane, seq: int) -> bytes:
    """The bytes of one waiting message, as it is sent; the caller owns the transaction."""
    row = connection.execute(
        f"SELECT {', '.join(_Row._fields)} FROM outgoing"  # noqa: S608 (our own names)
        " WHERE destination=? AND lane=? AND seq=?",
        (destination, lane, seq),
    ).fetchone()
    return _payload(connection, _Row(*row))


def held_from(connection: Connection, destination: str = "") -> int:
    """Up to which id a destination, or any, needs no pack any more; 0 for an unknown one.

    A message that waits needs the packs that it stands for.
    """
    (cursor,) = connection.execute(
        "SELECT coalesce(min(coalesce((SELECT low - 1 FROM outgoing WHERE destination=name"
        " AND lane='data' AND low IS NOT NULL ORDER BY seq LIMIT 1), pack_cursor)), 0)"
        " FROM destination WHERE ?1='' OR name=?1",
        (destination,),
    ).fetchone()
    return int(cursor)


def drop_empty(connection: Connection) -> None:
    """Take out messages of which every pack is lost."""
    connection.execute(
        "DELETE FROM outgoing WHERE low IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM bundle WHERE first <= high AND last >= low)"
    )


def move_some(connection: Connection) -> None:
    """Bring some messages of a version 5 database over, the oldest first; raises sqlite3's errors.

    What is moved is deleted, so that the file does not grow.
    """
    last = size = 0
    rows = connection.execute(
        "SELECT rowid, length(payload) FROM outgoing_before ORDER BY rowid LIMIT ?",
        (_MOVED_AT_ONCE,),
    ).fetchall()
    for number, payload_bytes in rows:
        last, size = number, size + payload_bytes
        if size > _MOVED_BYTES:
            break
    connection.execute(
        "INSERT INTO outgoing SELECT *, NULL, NULL FROM outgoing_before WHERE rowid <= ?", (last,)
    )
    connection.execute("DELETE FROM outgoing_before WHERE rowid <= ?", (last,))
    if not connection.execute("SELECT 1 FROM outgoing_before LIMIT 1").fetchone():
        connection.execute("DROP TABLE outgoing_before")


def _outgoing(connection: Connection, row: _Row) -> Outgoing:
    return Outgoing(
        destination=row.destination,
        seq=row.seq,
        lane=row.lane,
        topic=row.topic,
        payload=_payload(connection, row),
        created_ms=row.created_ms,
    )


def _payload(connection: Connection, row: _Row) -> bytes:
    if row.low is None or row.high is None:
        return sent(row.lane, row.payload)
    (epoch,) = connection.execute("SELECT value FROM meta WHERE key='epoch'").fetchone()
    packs = bundles.after(connection, row.low - 1, row.high - row.low + 1)
    # Fewer where a damaged database has lost some.
    bodies = [pack.body for number, pack in packs if number <= row.high]
    gateway = topics.parse(row.topic).owner
    return bytes(wrap_packs(f"{gateway}/{epoch}/{row.seq}", bodies))
