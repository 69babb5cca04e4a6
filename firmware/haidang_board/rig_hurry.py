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
        self._until_s = 0.0

    def begin(self, until_s: float) -> None:
        """Hurry to this point of the board's time; `done` is set there."""
        self.done.clear()
        self._until_s = until_s

    def stop(self) -> None:
        """The board lives at the host's pace again."""
        self._until_s = 0.0

    def idle(self, wait_ms: int, now_s: float, due_s: float, relay: Relay) -> str:
        """Answer to a board that would wait (-1: for ever): `SKIP_MS REAL_MS`, one of them 0.

        now_s: the board's time; due_s: when the next thing happens to it from outside.
        """
        left_s = self._until_s - now_s
        if left_s <= 0:
            self.done.set()
            return f"0 {wait_ms}"
        if self._awaits_answer(now_s, relay):
            return f"0 {_LOOK_MS}"
        skip_ms = max(1, int(min(due_s - now_s, left_s) * 1000))
        if wait_ms > 0:
            skip_ms = min(skip_ms, wait_ms)
        self.ahead_s += skip_ms / 1000
        return f"{skip_ms} 0"

    def _awaits_answer(self, now_s: float, relay: Relay) -> bool:
        real_s = now_s - self.ahead_s
        if not relay.busy:
            return False
        unanswered = relay.sent_at_s > relay.heard_at_s
        return (unanswered and real_s - relay.sent_at_s < _ANSWER_S) or (
            real_s - relay.heard_at_s < _FOLLOW_UP_S
        )
