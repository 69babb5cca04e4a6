"""The visitor's side of the control socket: one request, the running gateway's answers."""

import argparse
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from haidang_gateway.control import LONGEST_WAIT_S, NAME, address
from haidang_gateway.errors import NotRunning, OrderError

# How long the gateway may take to tell that the time is over.
_SPARE_S = 15
_WAIT_S = 60
_ANSWER_BYTES = 1024 * 1024

FurtherS = Callable[[dict[str, Any]], float]
"""How long the next answer may take after one that announces another."""


def add_wait(parser: argparse.ArgumentParser) -> None:
    """The option --wait of a command: whole seconds."""
    text = "give up after S s (%(default)s)"
    parser.add_argument("--wait", type=_seconds, default=_WAIT_S, metavar="S", help=text)


def answers(
    folder: Path, request: dict[str, Any], further_s: FurtherS, hint: str = ""
) -> Iterator[dict[str, Any]]:
    """What the gateway on `folder` answers; OrderError where none comes, with `hint`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(request["wait_s"] + _SPARE_S)
        try:
            _connect(line, folder)
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as said:
                yield from _read(line, said, further_s, hint)
        except TimeoutError as error:
            raise OrderError(
                f"no answer yet; whatever comes stands in the gateway's log{hint}"
            ) from error
        except OSError as error:
            raise OrderError(
                f"the gateway has gone ({error.strerror}); ask again when it runs{hint}"
            ) from error


def runs(folder: Path) -> bool:
    """Whether a gateway on `folder` hears; OrderError where this user may not ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_SPARE_S)
        try:
            _connect(line, folder)
        except NotRunning:
            return False
        return True


def _connect(line: socket.socket, folder: Path) -> None:
    try:
        with address(folder) as path:
            line.connect(path)
    except PermissionError as error:
        raise OrderError(
            f"{folder / NAME}: only the gateway's own user and root may; use sudo"
        ) from error
    except OSError as error:
        raise NotRunning(
            f"no gateway runs on {folder} ({error.strerror}); "
            "start it: systemctl start haidang-gateway"
        ) from error


def _read(
    line: socket.socket, said: Any, further_s: FurtherS, hint: str
) -> Iterator[dict[str, Any]]:
    while True:
        text = said.readline(_ANSWER_BYTES)
        if not text:
            raise OrderError(f"the gateway has stopped meanwhile; ask again when it runs{hint}")
        answer = json.loads(text)
        yield answer
        if not answer.get("more"):
            return
        line.settimeout(further_s(answer))


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text}: write whole seconds, 1 to {LONGEST_WAIT_S}")
    return int(text)
