"""History for charts: packs roll up into minutes and hours, a bounded step at a time.

The packs themselves are the raw history. A cursor over their ids moves in the transaction of the
step, so every pack counts once, whenever the gateway is killed.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from haidang_wire.names import known

from haidang_gateway.store import bundles
from haidang_gateway.store.schema import Connection

MINUTE_S = 60
HOUR_S = 3600
CURSOR = "rolled_up"
# What comes later than this after it was taken stands in the minutes, not in a raw chart.
_LATE_MS = 3_600_000
_DAY_S = 86_400
_EXACT = 2**53

_Cell = tuple[float, float, float, int]
"""Lowest, sum, highest, count."""


@dataclass(frozen=True, slots=True)
class Series:
    """One reading of one node from `from_ms` up to before `to_ms` (Unix ms)."""

    node: str
    name: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a chart; a raw reading has a `count` of 1."""

    at_ms: int
    low: float
    mean: float
    high: float
    count: int


class _Record(msgspec.Struct):
    n: str
    v: int | float | None = None
    vb: bool | None = None
    bt: int | float | None = None


_RECORDS = msgspec.json.Decoder(list[_Record])
_CELLS = msgspec.msgpack.Decoder(list[list[int | float]])


def roll_up(connection: Connection, limit: int) -> int:
    """Add the next `limit` packs to their minutes and hours; how many there were."""
    rows = bundles.after(connection, cursor(connection), limit)
    if not rows:
        return 0
    found: defaultdict[tuple[int, str, str], list[float]] = defaultdict(list)
    for _, pack in rows:
        for name, at_ms, value in _readings(pack.body, pack.received_ms):
            found[at_ms // (MINUTE_S * 1000), pack.node, name].append(value)
    names = _Names(connection)
    minutes: dict[tuple[int, int], dict[int, _Cell]] = {}
    for (minute, node, name), values in found.items():
        cells = minutes.setdefault((minute, names.number(node)), {})
        cells[names.number(name)] = (min(values), _sum(values), max(values), len(values))
    # The hours first: merging puts into the minutes what the hours have already.
    _merge(connection, HOUR_S, _hours(minutes))
    _merge(connection, MINUTE_S, minutes)
    move_cursor(connection, rows[-1][0])
    return len(rows)


def move_cursor(connection: Connection, pack_id: int) -> None:
    """Count packs up to this id as rolled up."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (CURSOR, str(pack_id)))


def cursor(connection: Connection) -> int:
    """The last pack that is in the history."""
    row = connection.execute("SELECT value FROM meta WHERE key=?", (CURSOR,)).fetchone()
    return int(row[0]) if row else 0


def not_rolled_up(connection: Connection) -> int:
    """How many packs wait for the history, at most (dropped ones count)."""
    return max(0, bundles.newest(connection) - cursor(connection))


def forget(connection: Connection, span_s: int, keep_days: int, now_ms: int, limit: int) -> int:
    """Delete at most `limit` rows of a span that are older than `keep_days`; how many."""
    oldest = (now_ms // 1000 - keep_days * _DAY_S) // span_s
    return drop_oldest(connection, span_s, limit, oldest)


def drop_oldest(connection: Connection, span_s: int, limit: int, before: int = 1 << 60) -> int:
    """Delete the oldest `limit` rows of a span, below the bucket `before`; how many."""
    return connection.execute(
        "DELETE FROM history WHERE (span_s, at, node) IN (SELECT span_s, at, node FROM history"
        " WHERE span_s=? AND at<? ORDER BY at, node LIMIT ?)",
        (span_s, before, limit),
    ).rowcount


def chart(connection: Connection, series: Series, span_s: int) -> list[Point]:
    """Minutes (`MINUTE_S`) or hours (`HOUR_S`) of a reading, by the buckets' beginnings.

    Absent where nothing came; booleans are 0 and 1.
    """
    numbers = _Names(connection)
    node_number, number = numbers.find(series.node), numbers.find(series.name)
    if node_number is None or number is None:
        return []
    bucket_ms = span_s * 1000
    # Looked up one by one: the key begins with the time. 130,000 minutes take about 0.2 s.
    rows = connection.execute(
        "WITH RECURSIVE bucket(at) AS (SELECT ? UNION ALL SELECT at + 1 FROM bucket WHERE at < ?)"
        " SELECT history.at, doc FROM bucket CROSS JOIN history"
        " ON span_s=? AND history.at=bucket.at AND node=?",
        (
            series.from_ms // bucket_ms,
            (series.to_ms - 1) // bucket_ms,
            span_s,
            node_number,
        ),
    )
    found = ((at, _decoded(doc).get(number)) for at, doc in rows)
    return [
        Point(at * bucket_ms, cell[0], cell[1] / cell[3], cell[2], cell[3])
        for at, cell in found
        if cell is not None
    ]


def raw(connection: Connection, series: Series, limit: int = 20_000) -> list[Point]:
    """Single readings out of the kept packs, by time, at most about `limit`.

    Without an index, for it would cost a page for each pack: ask for hours, not for weeks. What
    came more than an hour late is left out here.
    """
    points: list[Point] = []
    for _, pack in bundles.every(connection, _first_since(connection, series.from_ms) - 1):
        if pack.received_ms > series.to_ms + _LATE_MS or len(points) >= limit:
            break
        if pack.node == series.node:
            points.extend(
                Point(at_ms, value, value, value, 1)
                for found, at_ms, value in _readings(pack.body, pack.received_ms)
                if found == series.name and series.from_ms <= at_ms < series.to_ms
            )
    return sorted(points, key=lambda point: point.at_ms)


class _Names:
    """Numbers of nodes and of names of readings, given once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {
            name: number
            for number, name in connection.execute("SELECT id, name FROM history_name")
        }

    def find(self, name: str) -> int | None:
        return self._numbers.get(name)

    def number(self, name: str) -> int:
        if name not in self._numbers:
            row = self._connection.execute(
                "INSERT INTO history_name (name) VALUES (?) RETURNING id", (name,)
            ).fetchone()
            self._numbers[name] = int(row[0])
        return self._numbers[name]


def _readings(body: bytes, received_ms: int) -> Iterable[tuple[str, int, float]]:
    """(name, Unix ms, value) of the contract's numbers; a time after the arrival is the arrival's.

    A pack that cannot be read (a later version's, after a step back) has none.
    """
    try:
        records = _RECORDS.decode(body)
    except msgspec.MsgspecError:
        return
    at_ms = received_ms
    for record in records:
        if record.bt is not None:
            at_ms = min(round(record.bt * 1000), received_ms)
        value = record.v if record.vb is None else int(record.vb)
        # Other names are not the contract's: a hostile node would fill the disk with them.
        if value is not None and _is_known(record.n):
            yield record.n, at_ms, value


@functools.lru_cache(maxsize=256)
def _is_known(name: str) -> bool:
    return known(name) is not None


def _hours(
    minutes: Mapping[tuple[int, int], Mapping[int, _Cell]],
) -> dict[tuple[int, int], dict[int, _Cell]]:
    hours: dict[tuple[int, int], dict[int, _Cell]] = {}
    for (minute, node), cells in minutes.items():
        hour = hours.setdefault((minute * MINUTE_S // HOUR_S, node), {})
        for number, cell in cells.items():
            _put(hour, number, cell)
    return hours


def _merge(
    connection: Connection, span_s: int, buckets: Mapping[tuple[int, int], dict[int, _Cell]]
) -> None:
    for key, cells in buckets.items():
        row = connection.execute(
            "SELECT doc FROM history WHERE span_s=? AND at=? AND node=?", (span_s, *key)
        ).fetchone()
        if row:
            for number, cell in _decoded(row[0]).items():
                _put(cells, number, cell)
    connection.executemany(
        "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)",
        [(span_s, *key, _encoded(cells)) for key, cells in buckets.items()],
    )


def _put(cells: dict[int, _Cell], number: int, news: _Cell) -> None:
    known_cell = cells.get(number)
    if known_cell is None:
        cells[number] = news
        return
    low, total, high, count = known_cell
    cells[number] = (
        min(low, news[0]),
        _sum((total, news[1])),
        max(high, news[2]),
        count + news[3],
    )


def _sum(values: Iterable[float]) -> float:
    """A row has 64 bits for a whole number, and one node's nonsense must not stop all charts."""
    total = sum(values)
    return total if abs(total) <= _EXACT else float(total)


def _encoded(cells: Mapping[int, _Cell]) -> bytes:
    """A single reading, the commonest, is kept as one number."""
    return msgspec.msgpack.encode(
        [
            [number, cell[0]] if cell[3] == 1 else [number, *cell]
            for number, cell in sorted(cells.items())
        ]
    )


def _decoded(doc: bytes) -> dict[int, _Cell]:
    cells: dict[int, _Cell] = {}
    for number, *values in _CELLS.decode(doc):
        if len(values) == 1:
            cells[int(number)] = (values[0], values[0], values[0], 1)
        else:
            low, total, high, count = values
            cells[int(number)] = (low, total, high, int(count))
    return cells


def _first_since(connection: Connection, at_ms: int) -> int:
    """The first id of the lowest bundle of which something was received at `at_ms` or later.

    Ids rise with the time of arrival.
    """
    low, high = bundles.oldest(connection) or 0, bundles.newest(connection) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT first, received_ms FROM bundle WHERE first >= ? ORDER BY first LIMIT 1",
            (middle,),
        ).fetchone()
        if row is None or row[1] >= at_ms:
            high = middle
        else:
            low = row[0] + 1
    return int(low)
