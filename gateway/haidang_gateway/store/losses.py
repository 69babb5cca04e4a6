"""What a broken database still had to deliver, and how much of that is lost with it."""

import contextlib

from haidang_wire import ranges

from haidang_gateway.batch import CENTRE
from haidang_gateway.store import bundles, messages
from haidang_gateway.store.payloads import sent
from haidang_gateway.store.schema import Connection, SqlError, has_table

_ROW = "seq, topic, payload, packs, created_ms, low, high"


def passed(old: Connection) -> int:
    """Up to which pack no destination needs any more; SqlError where that cannot be read."""
    if not has_table(old, "bundle"):
        row = old.execute("SELECT coalesce(min(pack_cursor), 0) FROM destination").fetchone()
        return int(row[0])
    held, known = messages.held_from(old), _known_up_to(old)
    return held if known is None else min(held, known)


def wait_again(old: Connection, fresh: Connection) -> None:
    """Where it cannot be read which packs wait for the centre, all from there on wait again.

    It knows those that it has by their names.
    """
    known = _known_up_to(old)
    if known is None or not _has_bundles(old):
        return
    fresh.execute(
        "DELETE FROM outgoing WHERE destination=? AND lane='data' AND low > ?", (CENTRE, known)
    )
    fresh.execute(
        "UPDATE destination SET pack_cursor=? WHERE name=? AND pack_cursor > ?",
        (known, CENTRE, known),
    )


def packs_lost(old: Connection, fresh: Connection, *, cursors_known: bool) -> int:
    """How many packs that some destination did not have are missing in the new database.

    Of the newest ones no fewer than are known of. Without cursors every missing pack counts.
    """
    found: list[list[int]] = []
    for first, last in fresh.execute("SELECT first, last FROM bundle ORDER BY first"):
        ranges.add_range(found, first, last)
    oldest = _oldest(old)
    return sum(
        ranges.count(ranges.gaps(found, max(low, oldest), high + 1))
        for low, high in _awaited(fresh, _newest(old, fresh), cursors_known=cursors_known)
    )


def _awaited(fresh: Connection, newest: int, *, cursors_known: bool) -> list[list[int]]:
    wanted = [
        list(row) for row in fresh.execute("SELECT low, high FROM outgoing WHERE low IS NOT NULL")
    ]
    (cursor,) = fresh.execute("SELECT coalesce(min(pack_cursor), 0) FROM destination").fetchone()
    found: list[list[int]] = []
    for low, high in (*wanted, ((cursor if cursors_known else 0) + 1, newest)):
        ranges.add_range(found, low, high)
    return found


def _known_up_to(old: Connection) -> int | None:
    """Up to which pack the messages that wait for the centre can be read; None: to the end."""
    known = 0
    try:
        for *row, low, high in old.execute(
            f"SELECT {_ROW} FROM outgoing"  # noqa: S608 (our own names)
            " WHERE destination=? AND lane='data' ORDER BY seq",
            (CENTRE,),
        ):
            if None in row or not (low is None or known < low <= high):
                return known
            sent("data", row[2])
            known = known if low is None else high
    except (SqlError, TypeError):
        return known
    return None


def _newest(old: Connection, fresh: Connection) -> int:
    """The highest id that anything speaks of."""
    spoken_of = (
        "SELECT seq FROM sqlite_sequence WHERE name='pack'",
        "SELECT last FROM bundle ORDER BY first DESC LIMIT 1",
        "SELECT max(high) FROM outgoing",
        "SELECT CAST(value AS INTEGER) FROM meta WHERE key='rolled_up'",
    )
    found = [bundles.given(fresh)]
    for query in spoken_of:
        with contextlib.suppress(SqlError):
            found += _number(old, query)
    return max(found)


def _oldest(old: Connection) -> int:
    """The lowest id; 1 where that cannot be read: rather too many are counted."""
    try:
        found = [
            number
            for table, column in (("bundle", "first"), ("pack", "id"))
            if has_table(old, table)
            for number in _number(old, f"SELECT min({column}) FROM {table}")  # noqa: S608
        ]
    except SqlError:
        return 1
    return min(found, default=1)


def _number(old: Connection, query: str) -> list[int]:
    return [number for (number,) in old.execute(query) if isinstance(number, int)]


def _has_bundles(old: Connection) -> bool:
    try:
        return has_table(old, "bundle")
    except SqlError:
        return True
