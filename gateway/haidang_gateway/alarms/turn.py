"""What one fact changes in the rules' states, while it is found out."""

from collections import ChainMap, Counter
from collections.abc import Mapping

from haidang_gateway.alarms.document import State
from haidang_gateway.model import Outcome, Revision


class Turn:
    """What one fact changes, collected."""

    def __init__(self, states: Mapping[str, State], now_ms: int) -> None:
        """`states` are those before the fact."""
        self.now_ms = now_ms
        self.changed: dict[str, State | None] = {}
        self.revisions: list[Revision] = []
        self.counts: Counter[str] = Counter()
        self._states = states

    @property
    def states(self) -> Mapping[str, State]:
        """All states with the news of this very fact."""
        news = {key: state for key, state in self.changed.items() if state is not None}
        return ChainMap(news, self._states)  # type: ignore[arg-type]

    def outcome(self) -> Outcome:
        """All of it."""
        return Outcome(
            states=self.changed, revisions=tuple(self.revisions), counts=dict(self.counts)
        )
