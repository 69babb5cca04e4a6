"""`haidang-gateway audit`: whether the record of alarms and commands was tampered with."""

import argparse
import re
import sys
from pathlib import Path

from haidang_gateway import audit
from haidang_gateway.audit import Head
from haidang_gateway.config import add_config, load
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_gateway.text import printable

_SHOWN = 20
_HEAD = re.compile(r"(\d+):(?:sha256:)?([0-9a-f]{64})")


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its sub-commands and options."""
    text = "verify: look at every row; head: print where the chain ends, to be noted elsewhere"
    parser.add_argument("action", choices=("verify", "head"), metavar="verify|head", help=text)
    add_config(parser, config)
    text = "a copy of haidang.db instead of the configured one"
    parser.add_argument("--database", type=Path, metavar="FILE", help=text)
    text = "a head that was noted earlier (N:CHAIN); may be given several times"
    parser.add_argument("--head", type=_head, action="append", default=[], help=text)


def run(options: argparse.Namespace) -> int:
    """0 where nothing was changed, 1 with one line for each finding."""
    path = options.database or load(options.config).data_dir / "haidang.db"
    with reading(path) as connection:
        # One moment for both: the gateway may be writing.
        connection.execute("BEGIN")
        rows = queries.audit_rows(connection)
        revisions = queries.revisions(connection)
    head = audit.head_of(rows)
    if options.action == "head":
        _say(str(head))
        return 0
    found = audit.problems(rows, revisions, options.head)
    for problem in found[:_SHOWN]:
        _say(printable(problem))
    if len(found) > _SHOWN:
        _say(f"... and {len(found) - _SHOWN} more")
    if found:
        _say(f"{path}: {len(found)} findings in {len(rows)} rows; keep this file as it is")
        return 1
    _say(f"{path}: {len(rows)} rows and {len(revisions)} revisions are as they were written")
    _say(f"head {head}")
    return 0


def _head(text: str) -> Head:
    match = _HEAD.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("write it as `audit head` prints it, N:CHAIN")
    return Head(int(match[1]), match[2])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
