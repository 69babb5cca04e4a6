"""`haidang-gateway ledger`: what came, was lost and why, who was never heard, what waits."""

import argparse
import json
import sys
from pathlib import Path

from haidang_gateway import destinations_view, ledger_view
from haidang_gateway.clock import Clock
from haidang_gateway.config import add_config, load
from haidang_gateway.fleet import identities


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its options."""
    add_config(parser, config)
    parser.add_argument("--json", action="store_true", help="all sums as one JSON object")
    days = "the newest N days alone; with --json one row for each node and day"
    parser.add_argument("--days", type=int, default=0, metavar="N", help=days)


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; 0. StoreError without a database."""
    settings = load(options.config)
    folder = settings.data_dir
    if options.json and options.days > 0:
        _say(json.dumps(ledger_view.by_day(folder, options.days)))
        return 0
    if options.json:
        _say(json.dumps(ledger_view.sums(folder)))
        return 0
    for line in (
        *ledger_view.lines(folder, max(options.days, 0)),
        *identities.unheard(settings),
        *identities.troubles(settings, Clock().now_ms()),
        *destinations_view.lines(settings),
    ):
        _say(line)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
