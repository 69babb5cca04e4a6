"""Fast time on the rig's side: how much of a board's idle waits may be skipped."""

import threading

from haidang_board.rig_net import Relay
from haidang_board.rig_pace import IDLE_S

# Real time that peers get to answer whatever passed last: they know no fast time.
_ANSWER_S = 0.03
_LOOK_MS = 3
# What nobody outside notices: all that a board without a connection does is its own affair.
_ALLOWED_S = 1.0


class Hurry:
    """The board's clock runs ahead of the host's by `ahead_s`, which only grows."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.done = threading.Event()
        self._until_s = 0.0

    def begin(self, until_s: float) -> None:
        """Hurry to this point of the board's time; `done` is set there."""
        self.done.clear()
        self._until_s = until_s

    def stop(self) -> None:
        """The board lives at the host's pace again."""
        self._until_s = 0.0

    def asleep(self, now_s: float, wake_s: float) -> None:
        """A board in deep sleep: nothing happens to it before `wake_s`."""
        if not self._until_s:
            return
        left_s = self._until_s - now_s
        if left_s <= 0:
            self.done.set()
        else:
            self.ahead_s += max(0.0, min(left_s, wake_s - now_s))

    def skipped(self, ms: int) -> None:
        """The board has skipped this much of what it was allowed."""
        self.ahead_s += ms / 1000

    def idle(self, wait_ms: int, now_s: float, due_s: float, relay: Relay) -> str:
        """Answer to a board that would wait (-1: for ever): `SKIP_MS REAL_MS`, one of them 0.

        Without a connection the board may skip more than this one wait before it asks again.
        now_s: the board's time; due_s: when the next thing happens to it from outside.
        """
        left_s = self._until_s - now_s
        if left_s <= 0:
            self.done.set()
            return f"0 {wait_ms}"
        if self._awaits_answer(now_s, relay):
            return f"0 {_LOOK_MS}"
        free_s = due_s - now_s
        if free_s >= IDLE_S and not relay.busy:
            free_s = _ALLOWED_S
        skip_ms = max(1, int(min(free_s, left_s) * 1000))
        return f"{min(skip_ms, wait_ms) if relay.busy and wait_ms > 0 else skip_ms} 0"

    def _awaits_answer(self, now_s: float, relay: Relay) -> bool:
        real_s = now_s - self.ahead_s
        return relay.busy and real_s - relay.moved_at_s < _ANSWER_S
