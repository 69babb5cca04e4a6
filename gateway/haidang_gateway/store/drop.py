"""Packs that no destination has and that a full disk gives up: by name, telemetry first."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from haidang_gateway.model import Lane
from haidang_gateway.store import history
from haidang_gateway.store.counters import count_up
from haidang_gateway.store.schema import Connection

# One range takes about 80 bytes, for one pack or for a thousand.
KEEP_RANGES = 10_000
FORGOTTEN = "dropped_names_forgotten"
_COLUMNS = "node, epoch, boot, seq, lane, received_ms, at_low_ms, at_high_ms, body"
# Numbers that follow each other have the same distance to their place in the row.
_RANGES = """
SELECT node, epoch, boot, min(seq), max(seq) FROM
 (SELECT node, epoch, boot, seq,
   seq - row_number() OVER (PARTITION BY node, epoch, boot ORDER BY seq) AS island
  FROM pack WHERE id<=? AND lane=?)
GROUP BY node, epoch, boot, island ORDER BY node, epoch, boot, min(seq)
"""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Packs of one boot that followed each other and were dropped on one day, in UTC."""

    node: str
    epoch: str
    boot: int
    low: int
    high: int
    lane: Lane
    day: str


def drop_waiting(connection: Connection, lane: Lane, day: str, limit: int) -> int:
    """Drop about `limit` of the oldest waiting packs of a lane, named and counted; how many.

    They are losses with a known cause (dropped:gateway_full in the ledger).
    """
    first = connection.execute(
        "SELECT id FROM pack WHERE lane=? ORDER BY id LIMIT 1", (lane,)
    ).fetchone()
    if first is None:
        return 0
    last = first[0] + limit - 1
    charted = not history.not_rolled_up(connection)
    ranges = connection.execute(_RANGES, (last, lane)).fetchall()
    others = connection.execute(
        f"SELECT {_COLUMNS} FROM pack WHERE id<=? AND lane<>? ORDER BY id",  # noqa: S608 (our names)
        (last, lane),
    ).fetchall()
    # Before anything is written: there is no room for it.
    gone = connection.execute("DELETE FROM pack WHERE id<=?", (last,)).rowcount - len(others)
    _put_behind(connection, others, charted=charted)
    for node, epoch, boot, low, high in ranges:
        _note(connection, Dropped(node, epoch, boot, low, high, lane, day))
    _forget(connection)
    return gone


def dropped(connection: Connection) -> list[Dropped]:
    """What was dropped, by name."""
    rows = connection.execute(
        "SELECT node, epoch, boot, low, high, lane, day FROM dropped"
        " ORDER BY day, node, epoch, boot, low"
    ).fetchall()
    return [Dropped(*row) for row in rows]


def _note(connection: Connection, one: Dropped) -> None:
    connection.execute(
        "INSERT INTO ledger_day VALUES (?, ?, 'dropped:gateway_full', ?)"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
        (one.node, one.day, one.high - one.low + 1),
    )
    longer = connection.execute(
        "UPDATE dropped SET high=? WHERE node=? AND epoch=? AND boot=? AND low<? AND high=?"
        " AND lane=? AND day=?",
        (one.high, one.node, one.epoch, one.boot, one.low, one.low - 1, one.lane, one.day),
    ).rowcount
    if not longer:
        connection.execute(
            "INSERT INTO dropped VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET high = max(high, excluded.high)",
            astuple(one),
        )


def _forget(connection: Connection) -> None:
    (kept,) = connection.execute("SELECT count(*) FROM dropped").fetchone()
    if kept > KEEP_RANGES:
        gone = connection.execute(
            "DELETE FROM dropped WHERE (node, epoch, boot, low) IN (SELECT node, epoch, boot, low"
            " FROM dropped ORDER BY day, epoch, boot, low LIMIT ?) RETURNING high - low + 1",
            (kept - KEEP_RANGES,),
        ).fetchall()
        count_up(connection, FORGOTTEN, sum(count for (count,) in gone))


def _put_behind(connection: Connection, rows: Sequence[tuple[Any, ...]], *, charted: bool) -> None:
    """Packs of the other lane go to the end of the queue: ids without gaps are what counts it."""
    connection.executemany(
        f"INSERT INTO pack ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        rows,
    )
    if rows and charted:
        (newest,) = connection.execute("SELECT max(id) FROM pack").fetchone()
        history.move_cursor(connection, newest)
