"""Fast time on the rig's side: how much of a board's idle waits may be skipped."""

import threading

from haidang_board.rig_net import Relay

# Seconds of real time that peers get to answer: their side of a connection knows no fast time.
_ANSWER_S = 0.25
_FOLLOW_UP_S = 0.03
_LOOK_MS = 3


class Hurry:
    """The board's clock runs ahead of the host's by `ahead_s`, which only grows."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.done = threading.Event()
        self._left_s = 0.0

    def begin(self, ms: int) -> None:
        """Skip this much of the board's time from now on; `done` is set at its end."""
        self.done.clear()
        self._left_s = ms / 1000

    def stop(self) -> None:
        """The board lives at the host's pace again."""
        self._left_s = 0.0

    def idle(self, wait_ms: int, now_s: float, due_s: float, relay: Relay) -> str:
        """Answer to a board that would wait (-1: for ever): `SKIP_MS REAL_MS`, one of them 0.

        now_s: the board's time; due_s: when the next thing happens to it from outside.
        """
        if self._left_s <= 0:
            return f"0 {wait_ms}"
        if self._awaits_answer(now_s, relay):
            return f"0 {_LOOK_MS}"
        skip_ms = max(1, int((due_s - now_s) * 1000))
        if wait_ms > 0:
            skip_ms = min(skip_ms, wait_ms)
        self._skip(skip_ms / 1000)
        return f"{skip_ms} 0"

    def _awaits_answer(self, now_s: float, relay: Relay) -> bool:
        real_s = now_s - self.ahead_s
        if not relay.busy:
            return False
        unanswered = relay.sent_at_s > relay.heard_at_s
        return (unanswered and real_s - relay.sent_at_s < _ANSWER_S) or (
            real_s - relay.heard_at_s < _FOLLOW_UP_S
        )

    def _skip(self, skip_s: float) -> None:
        self.ahead_s += skip_s
        self._left_s -= skip_s
        if self._left_s <= 0:
            self.done.set()
