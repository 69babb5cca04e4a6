"""When the rules must be asked again: every state's own timer, none further than its window."""

from collections.abc import Callable, Iterator, Mapping

from haidang_gateway.alarms.document import State
from haidang_gateway.alarms.levels import SETTLE_MS
from haidang_gateway.model import Due


class Timers:
    """The timers inside the rule states (`due_ms`, `window_ms`), read anew at every question.

    `concerns` says whether a state's place is still configured.
    """

    def __init__(self, states: Mapping[str, State], concerns: Callable[[State], bool]) -> None:
        """`states` is the living mapping of its owner."""
        self._states = states
        self._concerns = concerns
        self._pulled_in: dict[str, tuple[int, int]] = {}
        self._checked = False

    def check(self, now_ms: int) -> None:
        """Once after a start: pull in what a lost wall clock put too far away."""
        if not self._checked:
            self._checked = True
            for key in self._states:
                self.pull_in(key, now_ms)

    def pull_in(self, key: str, now_ms: int) -> None:
        """A lost wall clock may have put a timer further away than its own window: not later."""
        state = self._states[key]
        due_ms, known = state.get("due_ms"), self._pulled_in.get(key)
        if due_ms is None or (known is not None and known[0] == due_ms):
            return
        limit_ms = now_ms + state["window_ms"] + SETTLE_MS
        if due_ms > limit_ms:
            self._pulled_in[key] = (due_ms, limit_ms)

    def postpone(self, key: str, until_ms: int) -> None:
        """Let a timer that could not be applied run out again at `until_ms`."""
        self._pulled_in[key] = (self._states[key]["due_ms"], until_ms)

    def next_ms(self) -> int | None:
        """When the next timer runs out; None without timers."""
        return min((run_out_ms for run_out_ms, _, _ in self._all()), default=None)

    def due(self, now_ms: int) -> list[Due]:
        """The timers that have run out, oldest first."""
        ready = sorted(timer for timer in self._all() if timer[0] <= now_ms)
        return [Due(key=key, at_ms=due_ms, received_ms=now_ms) for _, due_ms, key in ready]

    def _all(self) -> Iterator[tuple[int, int, str]]:
        """Each timer as (when it runs out, the time that the rule waits for, key)."""
        for key, state in self._states.items():
            due_ms = state.get("due_ms")
            if due_ms is not None and self._concerns(state):
                pulled = self._pulled_in.get(key)
                early = pulled is not None and pulled[0] == due_ms
                yield (pulled[1] if pulled and early else due_ms), due_ms, key
