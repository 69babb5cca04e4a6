"""`haidang-gateway quarantine`: what could not be read, and trying it again after an update."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from haidang_gateway import control_client
from haidang_gateway.config import add_config, load
from haidang_gateway.control_client import add_wait
from haidang_gateway.errors import OrderError
from haidang_gateway.metrics import iso_utc
from haidang_gateway.quarantine_retry import WISH
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_gateway.text import printable

_LOOK_S = 0.2
_ROW_BYTES = 16


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its commands and options."""
    commands = parser.add_subparsers(required=True, metavar="list|show|retry")
    text = "one line for each message, the oldest first"
    commands.add_parser("list", help=text, description=text).set_defaults(show=_list)
    text = "one message, byte for byte"
    show = commands.add_parser("show", help=text, description=text)
    show.add_argument("number", type=int, metavar="NUMBER", help="as `list` shows it")
    show.set_defaults(show=_show)
    text = "let the running gateway read all packs once more"
    again = commands.add_parser("retry", help=text, description=text)
    add_wait(again)
    again.set_defaults(show=_retry)
    for sub in commands.choices.values():
        add_config(sub, config)


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; 0. OrderError where it cannot be had."""
    folder = load(options.config).data_dir
    sys.stdout.writelines(f"{line}\n" for line in options.show(folder, options))
    return 0


def _list(folder: Path, _: argparse.Namespace) -> Iterator[str]:
    rows = _rows(folder)
    for number, received_ms, topic, reason, payload in rows:
        yield printable(
            f"{number}  {iso_utc(received_ms)}  {topic}: {reason} ({len(payload)} bytes)"
        )
    yield f"{len(rows)} messages"


def _show(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    rows = [row for row in _rows(folder) if row[0] == options.number]
    if not rows:
        raise OrderError(f"there is no number {options.number}; see `quarantine list`")
    ((number, received_ms, topic, reason, payload),) = rows
    yield printable(f"{number}  {iso_utc(received_ms)}  {topic}: {reason}")
    for at in range(0, len(payload), _ROW_BYTES):
        piece = payload[at : at + _ROW_BYTES]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        yield f"{at:5}  {piece.hex(' '):47}  {text}"


def _retry(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    before = len(_rows(folder))
    if not control_client.runs(folder):
        raise OrderError(f"no gateway runs on {folder}; start it: systemctl start haidang-gateway")
    wish = folder / WISH
    try:
        wish.touch(mode=0o600)
    except OSError as error:
        raise OrderError(f"{wish}: {error.strerror}; use sudo -u haidang") from error
    deadline_s = time.monotonic() + options.wait
    while wish.exists():
        if time.monotonic() > deadline_s:
            raise OrderError("the gateway is still reading; see `quarantine list` later")
        time.sleep(_LOOK_S)
    left = len(_rows(folder))
    yield f"{before - left} of {before} messages were taken, {left} stay; their reasons: the log"


def _rows(folder: Path) -> list[tuple[int, int, str, str, bytes]]:
    with reading(folder / "haidang.db") as connection:
        return queries.quarantine(connection)
