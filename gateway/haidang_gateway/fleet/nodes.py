"""The configured nodes and their signs of life: silence is found here, never assumed."""

from collections.abc import Iterable
from dataclasses import dataclass

from haidang_gateway.model import Heard, Silence
from haidang_gateway.settings import NodeSettings

# Three missed heartbeats are silence (contract, section 2).
_MISSED = 3
_SHORTEST_HEARTBEAT_S = 5
_LONGEST_HEARTBEAT_S = 86_400


@dataclass(slots=True)
class _Life:
    node: NodeSettings
    heartbeat_s: int
    heard_ms: int
    ever_heard: bool = False
    silent: bool = False


class Fleet:
    """Who is configured, who was heard when; pure, times come in."""

    def __init__(self, nodes: Iterable[NodeSettings], started_ms: int) -> None:
        """Every node gets its full time to speak after the gateway's start."""
        self._lives = {n.id: _Life(n, n.heartbeat_s, started_ms) for n in nodes}

    @property
    def nodes(self) -> dict[str, NodeSettings]:
        """The configured nodes by id."""
        return {name: life.node for name, life in self._lives.items()}

    def declare(self, node: str, heartbeat_s: int) -> None:
        """A node says how often it will speak; a sleeping one seldom."""
        if life := self._lives.get(node):
            life.heartbeat_s = min(max(heartbeat_s, _SHORTEST_HEARTBEAT_S), _LONGEST_HEARTBEAT_S)

    def heard(self, node: str, at_ms: int) -> Heard | None:
        """Note a live message; the fact where it ends a silence or is the first since the start.

        The first one counts, since the rules may remember a silence from before a restart.
        """
        life = self._lives.get(node)
        if life is None:
            return None
        news = life.silent or not life.ever_heard
        life.heard_ms = max(life.heard_ms, at_ms)
        life.silent, life.ever_heard = False, True
        if not news:
            return None
        return Heard(
            source=life.node.source, place=life.node.place, at_ms=at_ms, received_ms=at_ms
        )

    def silences(self, now_ms: int) -> list[Silence]:
        """Nodes that have just missed their third heartbeat; each is told once."""
        found = []
        for life in self._lives.values():
            if not life.silent and now_ms >= _deadline_ms(life):
                life.silent = True
                found.append(
                    Silence(
                        source=life.node.source,
                        place=life.node.place,
                        since_ms=life.heard_ms,
                        at_ms=now_ms,
                        received_ms=now_ms,
                    )
                )
        return found

    def next_due_ms(self) -> int | None:
        """When the next silence can be found; None if all are silent."""
        return min(
            (_deadline_ms(life) for life in self._lives.values() if not life.silent), default=None
        )

    def up_and_down(self) -> tuple[int, int]:
        """How many nodes are heard, how many are silent or not heard since the start."""
        up = sum(life.ever_heard and not life.silent for life in self._lives.values())
        return up, len(self._lives) - up


def _deadline_ms(life: _Life) -> int:
    return life.heard_ms + life.heartbeat_s * 1000 * _MISSED
