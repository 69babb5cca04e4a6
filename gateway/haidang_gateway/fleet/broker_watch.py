"""The gateway's own broker: away for long, it is one alarm, not one for each node."""

from collections.abc import Collection

from haidang_gateway.fleet.nodes import SUPERVISION_MS, Fleet
from haidang_gateway.model import Heard, Silence


class BrokerWatch:
    """Told at every look whether the link is up; pure, times come in.

    While the link is down no node can be heard but the `wired` ones, and no other is called
    silent. `source` is "gateway:<id>"; `place` None (a gateway without places) means that no
    alarm can be told.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        source: str,
        place: str | None,
        told: bool = False,
        wired: Collection[str] = (),
    ) -> None:
        """`told`: the rules remember such an alarm from before a restart."""
        self._fleet = fleet
        self._source = source
        self._place = place
        self._down_ms: int | None = None
        self._told = told
        self._wired = wired

    def look(self, up: bool, now_ms: int) -> list[Silence | Heard]:
        """What there is to tell at `now_ms`: the broker's silence once, its return, nodes'."""
        if up:
            return [*self._back(now_ms), *self._fleet.silences(now_ms)]
        if self._down_ms is None:
            self._down_ms = now_ms
        return [*self._away(self._down_ms, now_ms), *self._fleet.silences(now_ms, self._wired)]

    def next_due_ms(self) -> int | None:
        """When a look will find something, if the link stays as it is."""
        if self._down_ms is None:
            return self._fleet.next_due_ms()
        due_ms = self._fleet.next_due_ms(self._wired)
        told_ms = None if self._told else self._down_ms + SUPERVISION_MS
        return min((time for time in (due_ms, told_ms) if time is not None), default=None)

    def _away(self, down_ms: int, now_ms: int) -> list[Silence]:
        if self._told or self._place is None or now_ms < down_ms + SUPERVISION_MS:
            return []
        self._told = True
        return [
            Silence(
                source=self._source,
                place=self._place,
                since_ms=down_ms,
                at_ms=now_ms,
                received_ms=now_ms,
            )
        ]

    def _back(self, now_ms: int) -> list[Heard]:
        if self._down_ms is not None:
            self._fleet.excuse(now_ms - self._down_ms, now_ms, self._wired)
        news = self._told
        self._down_ms, self._told = None, False
        if not news or self._place is None:
            return []
        return [Heard(source=self._source, place=self._place, at_ms=now_ms, received_ms=now_ms)]
