"""Fast time on the rig's side: how much of a board's idle waits may be skipped."""

import threading

from haidang_board.rig_net import Relay

# Real time that peers, which know no fast time, get to answer whatever passed last: three times
# what the slowest of late took, on a busy machine more than on an idle one.
_ANSWER_FACTOR = 3
_ANSWER_LEAST_S, _ANSWER_MOST_S = 0.008, 1.0
_LOOK_MS = 3
# What nobody outside notices: all that a board without a connection does is its own affair.
_ALLOWED_S = 1.0
# A wait for ever is skipped in pieces.
_LONGEST_S = 10.0


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

    def idle(
        self, wait_ms: int, now_s: float, due_s: float, relay: Relay, alone: bool
    ) -> tuple[int, int]:
        """Answer to a board that would wait (-1: for ever): milliseconds to skip, or to wait.

        now_s: the board's time; due_s: when the next timer is due. `alone`: nothing outside
        happens to the board; without a connection either it may skip more than this one wait
        before it asks again.
        """
        left_s = self._until_s - now_s
        if left_s <= 0:
            self.done.set()
            return 0, wait_ms
        if self._awaits_answer(now_s, relay):
            return 0, _LOOK_MS
        free_s = min(due_s - now_s, left_s)
        if alone and not relay.busy:
            return max(1, int(min(free_s, _ALLOWED_S) * 1000)), 0
        if wait_ms >= 0:
            free_s = min(free_s, wait_ms / 1000)
        return max(1, round(min(free_s, _LONGEST_S) * 1000)), 0

    def _awaits_answer(self, now_s: float, relay: Relay) -> bool:
        quiet_s = now_s - self.ahead_s - relay.moved_at_s
        answer_s = max(_ANSWER_LEAST_S, _ANSWER_FACTOR * relay.answer_s)
        return relay.busy and quiet_s < min(_ANSWER_MOST_S, answer_s)
