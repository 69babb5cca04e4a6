"""A test aid: the gateway ends itself with SIGKILL at a named point of an alarm's way.

`HAIDANG_CRASH_AT=before_commit|after_commit|before_puback`, with `:n` for the n-th alarm pack;
`reply_before_commit` counts replies of nodes.
Without the variable nothing here does anything.
"""

import os
import signal
from typing import Literal

Point = Literal["before_commit", "after_commit", "before_puback", "reply_before_commit"]

_VARIABLE = "HAIDANG_CRASH_AT"


class CrashPoints:
    """Counts alarm packs, or replies, at the chosen point."""

    def __init__(self, wish: str = "") -> None:
        """`wish` is the variable's value; empty: never."""
        self._point, _, number = wish.partition(":")
        self._left = int(number or 1)

    @classmethod
    def from_environment(cls) -> "CrashPoints":
        """What the environment asks for."""
        return cls(os.environ.get(_VARIABLE, ""))

    def passing(self, point: Point, count: int) -> None:
        """End the process if the chosen number has come by here."""
        if point != self._point or not count:
            return
        self._left -= count
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
