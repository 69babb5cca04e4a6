"""A person who is asked at the terminal, for a bench without any switch."""

import os
import select
import time
from pathlib import Path

from rig.errors import PersonAbsent

# Past pytest's capture: the terminal itself.
TERMINAL = Path("/dev/tty")
_REFUSALS = ("n", "no", "q")


def present(terminal: Path = TERMINAL) -> bool:
    """Whether there is a terminal at which somebody could sit."""
    try:
        os.close(os.open(terminal, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask(request: str, timeout_s: float, terminal: Path = TERMINAL) -> None:
    """Wait until the person has done it and pressed Enter.

    Raises PersonAbsent when nobody does within the time, or the person answers n.
    """
    try:
        fd = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise PersonAbsent(
            f"{terminal} cannot be opened to ask: {request}. Run in a terminal, or with "
            f"--unattended, which skips what needs a person"
        ) from error
    try:
        question = f"\n>>> {request}, then press Enter (n: impossible; {timeout_s:.0f} s): "
        os.write(fd, question.encode())
        answer = _line(fd, time.monotonic() + timeout_s)
    finally:
        os.close(fd)
    if answer is None:
        raise PersonAbsent(f"nobody did within {timeout_s:.0f} s: {request}")
    if answer.strip().lower() in _REFUSALS:
        raise PersonAbsent(f"the person answered that it is impossible: {request}")


def _line(fd: int, deadline_s: float) -> str | None:
    typed = b""
    while (left_s := deadline_s - time.monotonic()) > 0:
        readable, _, _ = select.select([fd], [], [], left_s)
        if readable:
            typed += os.read(fd, 256)
            if b"\n" in typed or b"\r" in typed:
                return typed.decode(errors="replace")
    return None


class PersonSwitch:
    """A plug in a person's hand; `what` is spoken of as in "the board's power"."""

    attended = True

    def __init__(self, what: str, timeout_s: float, terminal: Path = TERMINAL) -> None:
        """Keep the arguments."""
        self.name = "a person"
        self._what = what
        self._timeout_s = timeout_s
        self._terminal = terminal

    def set(self, on: bool) -> None:
        """Ask for it."""
        ask(f"Switch {self._what} {'ON' if on else 'OFF'}", self._timeout_s, self._terminal)
