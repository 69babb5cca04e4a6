"""`haidang-gateway ledger` and `resend`: what waits for each destination and what it refused."""

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from haidang_gateway import control_client
from haidang_gateway.config import add_config, load
from haidang_gateway.errors import OrderError
from haidang_gateway.metrics import iso_utc
from haidang_gateway.settings import Settings
from haidang_gateway.store import dead_letters, feed, queries
from haidang_gateway.store.schema import reading
from haidang_gateway.text import printable

_WAIT_S = 60
_NEWEST = 20


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Of `resend`."""
    add_config(parser, config)
    parser.add_argument(
        "destination", metavar="DESTINATION", help="its name; the centre's: centre"
    )


def run(options: argparse.Namespace) -> int:
    """Have a destination's dead letters sent again; 0 done, 1 not. Raises OrderError."""
    request = {
        "act": "resend",
        "args": {"destination": options.destination},
        "id": f"t-{secrets.token_hex(6)}",
        "wait_s": _WAIT_S,
        "by": os.environ.get("SUDO_USER") or getpass.getuser(),
    }
    settings = load(options.config)
    known = [one.name for one in (settings.centre, *settings.destinations)]
    if options.destination not in known:
        raise OrderError(
            f"there is no destination {options.destination}; known: {', '.join(known)}"
        )
    with reading(settings.data_dir / "haidang.db") as connection:
        dead = sum(name == options.destination for name, *_ in dead_letters.letters(connection))
    if not dead:
        sys.stdout.write(f"{options.destination} has refused nothing that could be sent again\n")
        return 0
    (answer,) = control_client.answers(settings.data_dir, request, lambda _: _WAIT_S)
    said = f"{dead} are sent again" if answer["ok"] else f"not done: {answer['err']}"
    sys.stdout.write(printable(said) + "\n")
    return 0 if answer["ok"] else 1


def lines(settings: Settings) -> Iterator[str]:
    """A line for each destination, then the newest dead letters; StoreError without a database."""
    with reading(settings.data_dir / "haidang.db") as connection:
        counted = queries.counters(connection)
        letters = dead_letters.letters(connection)
        for one in (settings.centre, *settings.destinations):
            waits = queries.backlog(connection, one.name)
            line = f"{one.name} ({one.mode}): {waits.alarms} alarms, {waits.replies} answers, "
            line += f"{waits.data} data messages, {waits.packs} packs wait"
            dead = sum(letter[0] == one.name for letter in letters)
            for count, what in (
                (counted.get(feed.dropped_packs(one.name), 0), "packs dropped"),
                (counted.get(feed.dropped_alarms(one.name), 0), "alarm messages dropped"),
                (dead, f"dead letters (`haidang-gateway resend {one.name}`)"),
            ):
                line += f", {count} {what}" if count else ""
            yield line
    if forgotten := counted.get(dead_letters.FORGOTTEN, 0):
        yield f"{forgotten} dead letters were forgotten for want of room"
    for name, seq, lane, topic, reason, died_ms in letters[-_NEWEST:]:
        yield printable(f"dead: {name} {seq} ({lane}) {topic}: {reason}, {iso_utc(died_ms)}")
