"""Packs that no destination has and that a full disk gives up: by name, telemetry first."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from haidang_wire import ranges

from haidang_gateway.batch import CENTRE, BootKey, PackRow
from haidang_gateway.model import Lane
from haidang_gateway.store import bundles, history
from haidang_gateway.store.counters import count_up
from haidang_gateway.store.schema import Connection

# One range takes about 80 bytes, for one pack or for a thousand.
KEEP_RANGES = 10_000
FORGOTTEN = "dropped_names_forgotten"


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
    # Nothing is lost that the centre has, or that a message stands for.
    (start,) = connection.execute(
        "SELECT coalesce(max(pack_cursor), 0) FROM destination WHERE name=?", (CENTRE,)
    ).fetchone()
    (first,) = connection.execute(
        "SELECT min(first) FROM bundle WHERE lane=? AND last > ?", (lane, start)
    ).fetchone()
    if first is None:
        return 0
    charted = not history.not_rolled_up(connection)
    # Whole bundles, and none of the other lane's behind them.
    (last,) = connection.execute(
        "SELECT max(last) FROM bundle WHERE lane=? AND first < ?",
        (lane, max(first, start + 1) + limit),
    ).fetchone()
    waiting = bundles.after(connection, start, last - start)
    packs = [pack for number, pack in waiting if number <= last]
    gone = [pack for pack in packs if pack.lane == lane]
    # Before anything is written: there is no room for it.
    bundles.cut(connection, start, last)
    # Nobody waits for these ids any more; those that are put behind get others.
    connection.execute(
        "UPDATE destination SET pack_cursor=? WHERE pack_cursor BETWEEN ? AND ?",
        (last, start, last),
    )
    _put_behind(connection, [pack for pack in packs if pack.lane != lane], charted=charted)
    for (node, epoch, boot), seqs in _named(gone).items():
        for low, high in ranges.from_sorted(sorted(seqs)):
            _note(connection, Dropped(node, epoch, boot, low, high, lane, day))
    _forget(connection)
    return len(gone)


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


def _named(packs: Sequence[PackRow]) -> dict[BootKey, set[int]]:
    found: dict[BootKey, set[int]] = {}
    for pack in packs:
        found.setdefault((pack.node, pack.epoch, pack.boot), set()).add(pack.seq)
    return dict(sorted(found.items()))


def _put_behind(connection: Connection, packs: Sequence[PackRow], *, charted: bool) -> None:
    """Packs of the other lane go to the end of the queue: ids without gaps are what counts it."""
    bundles.put(connection, packs)
    if packs and charted:
        history.move_cursor(connection, bundles.newest(connection))
