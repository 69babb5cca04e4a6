"""`haidang-gateway alarms`: how many each source raised and persons found false, by month."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from haidang_gateway.alarms.tally import DISMISSED, PREFIX, RAISED
from haidang_gateway.config import add_config, load
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_gateway.text import printable


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its option."""
    add_config(parser, config)


def run(options: argparse.Namespace) -> int:
    """Print the table; 0. StoreError without a database."""
    sys.stdout.writelines(f"{line}\n" for line in lines(load(options.config).data_dir))
    return 0


def lines(folder: Path) -> Iterator[str]:
    """The table's lines, newest month and most false alarms first; StoreError without database."""
    with reading(folder / "haidang.db") as connection:
        counters = queries.counters(connection)
    rows: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, count in counters.items():
        if name.startswith(PREFIX):
            month, what, source = name.removeprefix(PREFIX).split(":", 2)
            rows[month, source][what] += count
    yield f"{'month':8} {'alarms':>7} {'false':>6} {'share':>6}  source"
    for (month, source), counts in sorted(rows.items(), key=lambda row: _order(*row)):
        raised, false = counts[RAISED], counts[DISMISSED]
        share = f"{false / raised:.0%}" if raised else "-"
        yield f"{month:8} {raised:>7} {false:>6} {share:>6}  {printable(source)}"
    floods, chatter = counters.get("alarm_floods", 0), counters.get("alarms_chattering", 0)
    yield f"floods of alarms (more than ten in ten minutes): {floods}"
    yield f"alarms that opened three times in ten minutes: {chatter}"


def _order(key: tuple[str, str], counts: dict[str, int]) -> tuple[str, int, int, str]:
    month, source = key
    newest = "".join(chr(0x7F - ord(sign)) for sign in month)
    return newest, -counts[DISMISSED], -counts[RAISED], source
