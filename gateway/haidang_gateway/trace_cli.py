"""`haidang-gateway trace`: what a node measured, as a file for `haidang replay`."""

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from haidang_gateway.config import add_config, load
from haidang_gateway.errors import OrderError
from haidang_gateway.store import history
from haidang_gateway.store.history import Series
from haidang_gateway.store.schema import Connection, reading

# Name of a reading: the trace's column that lets it happen again.
COLUMNS = {
    "smoke/mv": "smoke_mv",
    "smoke/contact": "contact",
    "flood/level": "water_mm",
    "flood/float": "float",
    "env/temp": "temp_c",
    "env/rh": "rh_pct",
    "footfall/devices": "phones",
    "node/supply": "supply_mv",
}
_MOST_ROWS = 200_000


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its options."""
    parser.add_argument("node", metavar="ID", help="the node, for example n-240ac4000001")
    parser.add_argument("begin", metavar="FROM", help="local time, for example 2026-11-23T14:00")
    parser.add_argument("end", metavar="TO", help="the same; hours, not weeks")
    add_config(parser, config)
    text = "a copy of haidang.db instead of the configured one"
    parser.add_argument("--database", type=Path, metavar="FILE", help=text)


def run(options: argparse.Namespace) -> int:
    """Print the trace; 0. OrderError where the times are wrong or nothing was measured."""
    settings = load(options.config)
    zone = ZoneInfo(settings.timezone)
    begin_ms, end_ms = _unix_ms(options.begin, zone), _unix_ms(options.end, zone)
    if begin_ms >= end_ms:
        raise OrderError(f"{options.begin} is not before {options.end}")
    with reading(options.database or settings.data_dir / "haidang.db") as connection:
        lines = list(trace(connection, options.node, begin_ms, end_ms))
    if len(lines) <= 1:
        raise OrderError(f"{options.node} told nothing between {options.begin} and {options.end}")
    sys.stdout.write(f"# {options.node}, {options.begin} to {options.end} {settings.timezone}\n")
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def trace(connection: Connection, node: str, begin_ms: int, end_ms: int) -> Iterator[str]:
    """Header and rows; seconds count from `begin_ms`, cells without news are empty."""
    moments: dict[int, dict[str, float]] = {}
    for name, column in COLUMNS.items():
        series = Series(node, name, begin_ms, end_ms)
        for point in history.raw(connection, series, _MOST_ROWS):
            moments.setdefault(point.at_ms, {})[column] = point.mean
    told = {column for values in moments.values() for column in values}
    columns = [column for column in COLUMNS.values() if column in told]
    yield ",".join(["t_s", *columns])
    for at_ms in sorted(moments):
        values = moments[at_ms]
        cells = [f"{values[column]:.10g}" if column in values else "" for column in columns]
        yield ",".join([f"{(at_ms - begin_ms) / 1000:.3f}", *cells])


def _unix_ms(text: str, zone: ZoneInfo) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderError(f"{text}: write a time as 2026-11-23T14:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1000)
