"""Recorded traces: a CSV file of what surrounds a node over time.

    # comment lines, kept by nobody
    t_s,smoke_ppm,temp_c,contact
    0,0,30.5,0
    12.5,800,31,
    20,,,1

The first column is `t_s`, seconds in rising order; an empty cell leaves its column as it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from haidang_tools.errors import InputRefused

TIME = "t_s"
_MOST_S = 366 * 86_400.0
_MOST_ROWS = 5_000_000


class Column(NamedTuple):
    """What a column holds: numbers from least to most, or one of `words`."""

    what: str
    least: float = 0.0
    most: float = 0.0
    words: tuple[str, ...] = ()
    whole: bool = False


_FAULTS = ("none", "silent", "noisy", "stuck", "short", "open", "uncalibrated")
COLUMNS: Mapping[str, Column] = {
    "smoke_ppm": Column("smoke at the MQ-2", 0, 100_000),
    "smoke_mv": Column("recorded voltage at the smoke pin; below 0: none", -1, 3300),
    "smoke_open": Column("the MQ-2's wire is torn", 0, 1, whole=True),
    "smoke_short": Column("the MQ-2's wire is shorted", 0, 1, whole=True),
    "contact": Column("1: the detector's relay contact is closed", 0, 1, whole=True),
    "water_mm": Column("water above the street", -10_000, 20_000),
    "distance_mm": Column(
        "what the level meter tells; -1: what the water is", -1, 20_000, whole=True
    ),
    "level_silent": Column("1: the level meter says nothing", 0, 1, whole=True),
    "float": Column("1: the float switch is closed", 0, 1, whole=True),
    "temp_c": Column("air temperature", -40, 85),
    "rh_pct": Column("relative humidity", 0, 100),
    "air_fault": Column("how the thermometer chip fails", words=_FAULTS),
    "phones": Column("phones in radio reach", 0, 20_000, whole=True),
    "supply_mv": Column("the node's supply", 0, 30_000),
}


class Row(NamedTuple):
    """One moment: seconds from the begin, and what has changed by column."""

    t_s: float
    values: dict[str, float | str]


class Trace(NamedTuple):
    """All rows of a file, and the columns that occur."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def seconds(self) -> float:
        """From the first row to the last."""
        return self.rows[-1].t_s - self.rows[0].t_s


def load(path: Path) -> Trace:
    """A file's trace; InputRefused names file, line, column and what to write instead."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return read(file, str(path))
    except OSError as error:
        raise InputRefused(f"{path}: {error.strerror}; give a CSV file") from error
    except UnicodeDecodeError as error:
        raise InputRefused(f"{path}: is not UTF-8 text; give a CSV file") from error


def read(lines: Iterable[str], name: str) -> Trace:
    """The same from lines; `name` stands in errors."""
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    for number, cells in _cells(lines):
        where = f"{name}, line {number}"
        if not columns:
            columns = _header(cells, where)
            continue
        if len(cells) != len(columns):
            raise InputRefused(f"{where}: {len(cells)} cells, the header has {len(columns)}")
        row = _row(columns, cells, where)
        if rows and row.t_s < rows[-1].t_s:
            raise InputRefused(f"{where}: {TIME} {row.t_s:g} is before {rows[-1].t_s:g}; sort it")
        rows.append(row)
        if len(rows) > _MOST_ROWS:
            raise InputRefused(f"{where}: more than {_MOST_ROWS} rows; split the file")
    if not columns:
        raise InputRefused(f"{name}: is empty; the first line is a header such as t_s,smoke_ppm")
    if not rows:
        raise InputRefused(f"{name}: has a header and no rows")
    if rows[-1].t_s - rows[0].t_s > _MOST_S:
        raise InputRefused(f"{name}: lasts more than a year; are the times seconds?")
    return Trace(columns[1:], tuple(rows))


def write(file: TextIO, columns: Iterable[str], rows: Iterable[Row], note: str = "") -> int:
    """Write a trace; returns the number of rows. `note` becomes comment lines."""
    names = list(columns)
    for line in note.splitlines():
        file.write(f"# {line}\n")
    file.write(",".join([TIME, *names]) + "\n")
    count = 0
    for row in rows:
        cells = [f"{row.t_s:.3f}".rstrip("0").rstrip(".")]
        cells += [_text(row.values.get(name)) for name in names]
        file.write(",".join(cells) + "\n")
        count += 1
    return count


def _cells(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    # Numbers of lines in the file: comments and empty ones are counted, not told.
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in line.split(",")]


def _header(cells: list[str], where: str) -> tuple[str, ...]:
    if cells[0] != TIME:
        raise InputRefused(f"{where}: the header begins with {TIME}, not {cells[0][:40]!r}")
    for at, cell in enumerate(cells[1:], 1):
        if cell not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise InputRefused(f"{where}: {cell[:40]!r} is no column; known: {known}")
        if cell in cells[:at]:
            raise InputRefused(f"{where}: {cell} is there twice")
    if len(cells) == 1:
        raise InputRefused(f"{where}: no column beside {TIME}; known: {', '.join(COLUMNS)}")
    return tuple(cells)


def _row(columns: tuple[str, ...], cells: list[str], where: str) -> Row:
    t_s = _number(TIME, cells[0], Column("", 0, 1e12), where)
    values = {
        name: _value(name, cell, where)
        for name, cell in zip(columns[1:], cells[1:], strict=True)
        if cell
    }
    return Row(t_s, values)


def _value(name: str, cell: str, where: str) -> float | str:
    column = COLUMNS[name]
    if column.words:
        if cell not in column.words:
            raise InputRefused(f"{where}: {name} {cell[:40]!r} is not {', '.join(column.words)}")
        return cell
    return _number(name, cell, column, where)


def _number(name: str, cell: str, column: Column, where: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        raise InputRefused(f"{where}: {name} {cell[:40]!r} is not a number") from None
    if not column.least <= number <= column.most:
        raise InputRefused(
            f"{where}: {name} {number:g} is not within {column.least:g} to {column.most:g}"
        )
    if column.whole and number != int(number):
        raise InputRefused(f"{where}: {name} {number:g} is not a whole number")
    return number


def _text(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.10g}"
