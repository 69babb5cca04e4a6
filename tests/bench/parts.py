"""How every part of the bench is run alone: options, progress on stderr, figures as JSON."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable

LOG = logging.getLogger("bench")
Figures = dict[str, object]

_BEGAN_S = time.monotonic()


class _Elapsed(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"[{time.monotonic() - _BEGAN_S:6.1f} s] {record.getMessage()}"


class _ToStderr(logging.Handler):
    # Asks for stderr anew with each line: a test that runs a bench has one of its own.
    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def show_progress() -> None:
    """Progress lines go to stderr with the time since the start; stdout keeps the result."""
    handler = _ToStderr()
    handler.setFormatter(_Elapsed())
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def main(figures: Callable[..., Figures], **options: int) -> None:
    """Run one part by hand; `options` are its integer arguments with their defaults.

    One whose default is 0 may be 0; of all others there is one at least.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    for name, default in options.items():
        kind = _some if default else _count
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"default {default}")
    arguments = vars(parser.parse_args())
    show_progress()
    sys.stdout.write(json.dumps(figures(**arguments)) + "\n")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _some(text: str) -> int:
    if not _count(text):
        raise argparse.ArgumentTypeError("0 is too few; give 1 or more")
    return int(text)
