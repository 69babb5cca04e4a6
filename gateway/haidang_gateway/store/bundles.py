"""Packs in the store: those of one commit and lane lie deflated in one row, a bundle.

Each pack has an id of its own; ids have no gaps but below the lowest. What is in a bundle goes as
a whole.
"""

import functools
import itertools
import operator
import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from haidang_gateway.batch import PackRow
from haidang_gateway.store.payloads import Torn, deflated, inflated

# Above every id: a removed destination keeps no pack.
RETIRED = 2**62
# A few are read anew with each reading; larger ones deflate hardly better.
MOST_PACKS = 200
_MOST_BYTES = 256 * 1024
# Of a version 5 database: the log of so many takes some megabytes, which the ballast has on a disk
# that others have filled; of a million a start syncs a hundred times.
_MOVED_AT_ONCE = 10_000
_LOOKED_AT_ONCE = 100
# What is confirmed behind a message that waits is free, too: acknowledgements come in any order.
_FREE = """NOT EXISTS (SELECT 1 FROM outgoing WHERE destination='centre' AND lane='data'
 AND low <= bundle.last AND high >= bundle.first)"""
_lane = operator.attrgetter("lane")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[PackRow])

Connection = sqlite3.Connection
Numbered = tuple[int, PackRow]
"""A pack with its id."""


def put(connection: Connection, packs: Sequence[PackRow]) -> None:
    """Store packs behind all others, those of the alarm lane first."""
    if not packs:
        return
    first = given(connection) + 1
    for group in _groups(sorted(packs, key=_lane)):
        _insert(connection, first, group)
        first += len(group)


def after(connection: Connection, cursor: int, limit: int) -> list[Numbered]:
    """The next `limit` packs above an id, in rising order."""
    return list(itertools.islice(every(connection, cursor), limit))


def every(connection: Connection, cursor: int = 0) -> Iterator[Numbered]:
    """All packs above an id, in rising order; a reading is under way until it is let go."""
    for first, packs in connection.execute(
        "SELECT first, packs FROM bundle WHERE first >="
        " coalesce((SELECT max(first) FROM bundle WHERE first <= ?), 0) ORDER BY first",
        (cursor + 1,),
    ):
        begin = max(first, cursor + 1)
        yield from enumerate(rows_of(packs)[begin - first :], begin)


def newest(connection: Connection) -> int:
    """The highest id; 0 without packs."""
    row = connection.execute("SELECT last FROM bundle ORDER BY first DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def given(connection: Connection) -> int:
    """The highest id that a pack has or that a cursor has passed: the next one is above it."""
    (number,) = connection.execute(
        "SELECT max(coalesce((SELECT last FROM bundle ORDER BY first DESC LIMIT 1), 0),"
        " coalesce((SELECT max(pack_cursor) FROM destination WHERE pack_cursor < ?), 0),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key='rolled_up'), 0))",
        (RETIRED,),
    ).fetchone()
    return int(number)


def oldest(connection: Connection) -> int | None:
    """The lowest id; None without packs."""
    row = connection.execute("SELECT min(first) FROM bundle").fetchone()
    return None if row[0] is None else int(row[0])


def oldest_above(connection: Connection, cursor: int) -> int | None:
    """The lowest id above a cursor; None where nothing waits behind it."""
    row = connection.execute(
        "SELECT first FROM bundle WHERE last > :cursor AND first >="
        " coalesce((SELECT max(first) FROM bundle WHERE first <= :cursor + 1), 0)"
        " ORDER BY first LIMIT 1",
        {"cursor": cursor},
    ).fetchone()
    return None if row is None else max(int(row[0]), cursor + 1)


def oldest_free(connection: Connection, last: int) -> int | None:
    """The lowest id of those up to `last` for which no message of the centre stands any more."""
    row = connection.execute(
        f"SELECT first FROM bundle WHERE first <= ? AND last <= ? AND {_FREE}"  # noqa: S608
        " ORDER BY first LIMIT 1",
        (last, last),
    ).fetchone()
    return None if row is None else int(row[0])


def delete(connection: Connection, last: int) -> int:
    """Delete bundles whose packs all have ids up to `last`; how many packs.

    Not those for which a message of the centre stands that is not confirmed.
    """
    gone = connection.execute(
        f"DELETE FROM bundle WHERE first <= ? AND last <= ? AND {_FREE}"  # noqa: S608
        " RETURNING last - first + 1",
        (last, last),
    ).fetchall()
    return sum(count for (count,) in gone)


def cut(connection: Connection, start: int, last: int) -> None:
    """Delete the packs with ids above `start` and up to `last`, where a bundle ends."""
    row = connection.execute(
        "SELECT first, packs FROM bundle WHERE first <= ? AND last > ?", (start, start)
    ).fetchone()
    connection.execute("DELETE FROM bundle WHERE last > ? AND first <= ?", (start, last))
    if row:
        first, packs = row
        _insert(connection, first, rows_of(packs)[: start - first + 1])


@functools.lru_cache(maxsize=8)
def rows_of(packs: bytes) -> tuple[PackRow, ...]:
    """What is in a bundle; raises Torn."""
    try:
        return tuple(_DECODER.decode(inflated(packs, "a bundle of packs")))
    except msgspec.MsgspecError as error:
        raise Torn(f"a bundle of packs cannot be read: {error}") from error


def sound_up_to(connection: Connection, last: int) -> int | None:
    """Look into some bundles above an id; the last id that was looked at, None at the end.

    Raises Torn.
    """
    rows = connection.execute(
        "SELECT first, last, packs FROM bundle WHERE first > ? ORDER BY first LIMIT ?",
        (last, _LOOKED_AT_ONCE),
    ).fetchall()
    for first, end, packs in rows:
        if len(rows_of(packs)) != end - first + 1:
            raise Torn(f"the bundle of packs from {first} on holds others than it says")
    return rows[-1][1] if rows else None


def move_some(connection: Connection) -> bool:
    """Put some packs of a version 5 database into bundles, under their ids; False: there are none.

    What is moved is deleted, so that the file does not grow.
    """
    rows = connection.execute(
        "SELECT id, node, epoch, boot, seq, lane, received_ms, at_low_ms, at_high_ms, body"
        " FROM pack ORDER BY id LIMIT ?",
        (_MOVED_AT_ONCE,),
    ).fetchall()
    if not rows:
        return False
    connection.execute("DELETE FROM pack WHERE id <= ?", (rows[-1][0],))
    # From then on the bundles alone know the highest id.
    connection.execute(
        "DELETE FROM sqlite_sequence WHERE name='pack' AND NOT EXISTS (SELECT 1 FROM pack)"
    )
    numbered = enumerate((number, PackRow(*pack)) for number, *pack in rows)
    # Packs follow each other where an id has the same distance to its place.
    for _, run in itertools.groupby(numbered, lambda item: item[1][0] - item[0]):
        _move(connection, [item for _, item in run])
    return True


def _move(connection: Connection, run: Sequence[Numbered]) -> None:
    first = run[0][0]
    for group in _groups([pack for _, pack in run]):
        _insert(connection, first, group)
        first += len(group)


def _insert(connection: Connection, first: int, packs: Sequence[PackRow]) -> None:
    received_ms = max(pack.received_ms for pack in packs)
    connection.execute(
        "INSERT INTO bundle VALUES (?, ?, ?, ?, ?)",
        (
            first,
            first + len(packs) - 1,
            packs[0].lane,
            received_ms,
            deflated(_ENCODER.encode(packs)),
        ),
    )


def _groups(packs: Sequence[PackRow]) -> Iterator[list[PackRow]]:
    """Neighbours of one lane, as many as one bundle takes."""
    for _, of_lane in itertools.groupby(packs, _lane):
        group: list[PackRow] = []
        size = 0
        for pack in of_lane:
            size += len(pack.body)
            if group and (len(group) == MOST_PACKS or size > _MOST_BYTES):
                yield group
                group, size = [], len(pack.body)
            group.append(pack)
        yield group
