"""Reads what can be read of a table in a broken database."""

from collections.abc import Iterator
from typing import Any

from haidang_gateway.store.losses import passed
from haidang_gateway.store.schema import Connection, SqlError

_ROWS = 500
_JUMPS = 200


class TornTable:
    """Reads a table from its beginning to the first damage, then from its end back to it.

    In between it jumps over what cannot be read, where the rows have numbers.
    """

    def __init__(self, old: Connection, table: str, columns: list[str]) -> None:
        """`torn` is True as soon as something could not be read."""
        self.torn = False
        self._old = old
        self._table = table
        self._columns = columns
        self._where = _waiting(old, table)
        self._numbered = _is_numbered(old, table)

    def chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Rows in groups; after a damage some come twice."""
        yield from self._one_way("ASC")
        if self.torn:
            yield from self._one_way("DESC")
            if self._numbered:
                yield from self._jumps()

    def _one_way(self, way: str) -> Iterator[list[tuple[Any, ...]]]:
        order = "rowid" if self._numbered else self._key()
        by = ", ".join(f"{column} {way}" for column in order.split(", "))
        yield from self._rows(f"{self._where} ORDER BY {by}")

    def _jumps(self) -> Iterator[list[tuple[Any, ...]]]:
        try:
            low, high = self._old.execute(
                f"SELECT (SELECT min(rowid) FROM {self._table}),"  # noqa: S608
                f" (SELECT max(rowid) FROM {self._table})"
            ).fetchone()
        except SqlError:
            return
        if low is None or high is None:
            return
        step = max(1, (high - low) // _JUMPS)
        also = f"{self._where} AND" if self._where else " WHERE"
        for start in range(low, high + 1, step):
            between = f"rowid BETWEEN {start} AND {start + step - 1}"
            yield from self._rows(f"{also} {between} ORDER BY rowid")

    def _rows(self, how: str) -> Iterator[list[tuple[Any, ...]]]:
        names = ", ".join(self._columns)
        rows: list[tuple[Any, ...]] = []
        try:
            for row in self._old.execute(
                f"SELECT {names} FROM {self._table}{how}"  # noqa: S608 (our own names)
            ):
                rows.append(row)
                if len(rows) == _ROWS:
                    yield rows
                    rows = []
        except SqlError:
            self.torn = True
        if rows:
            yield rows

    def _key(self) -> str:
        if self._table == "outgoing":
            return "destination, lane, seq"
        if self._table in ("boot", "ledger_day", "dropped", "history"):
            return ", ".join(self._columns[:3])
        return self._columns[0]


def _is_numbered(old: Connection, table: str) -> bool:
    """Whether its rows are read by their numbers."""
    if table == "outgoing":
        # Only the rows of an older version have any.
        return False
    try:
        old.execute(f"SELECT rowid FROM {table} LIMIT 0")  # noqa: S608 (our own names)
    except SqlError:
        return False
    return True


def _waiting(old: Connection, table: str) -> str:
    """Only the packs that some destination does not have: the others were history."""
    column = {"pack": "id", "bundle": "last"}.get(table)
    try:
        return f" WHERE {column} > {passed(old)}" if column else ""
    except SqlError:
        return ""
