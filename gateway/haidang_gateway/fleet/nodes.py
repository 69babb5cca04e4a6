"""The configured nodes, what they say of themselves, and their signs of life."""

import logging
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from haidang_wire.words import NODE_MODES

from haidang_gateway.model import Heard, NodeMode, Silence
from haidang_gateway.settings import NodeSettings

_log = logging.getLogger(__name__)

# Three missed heartbeats are silence (contract, section 2).
_MISSED = 3
_SILENCES_AT_ONCE = 20
_SHORTEST_HEARTBEAT_S = 5
_LONGEST_HEARTBEAT_S = 86_400
# The contract's longest supervision of a node that does not sleep.
SUPERVISION_MS = 90_000
# What a node says of itself and the ledger shows; absent means all is well.
_TOLD = ("fw", "mode", "fails", "corrupt", "steps", "cfg", "why")
NORMAL = "normal"
SAFE = "safe"


@dataclass(slots=True)
class _Life:
    node: NodeSettings
    heartbeat_s: int
    heard_ms: int
    ever_heard: bool = False
    silent: bool = False
    mode: str | None = None
    doc: dict[str, Any] = field(default_factory=dict)


class Fleet:
    """Who is configured, who was heard when; pure, times come in."""

    def __init__(
        self,
        nodes: Iterable[NodeSettings],
        started_ms: int,
        docs: Mapping[str, dict[str, Any]] | None = None,
    ) -> None:
        """`nodes` are the configured ones, in the attribute of this name by id.

        Every node gets its full time to speak after the gateway's start.
        `docs` are what nodes declared before a restart: a sleeping node's time is its own.
        """
        self.nodes: Mapping[str, NodeSettings] = {node.id: node for node in nodes}
        self._lives = {
            name: _life(node, started_ms, (docs or {}).get(name, {}))
            for name, node in self.nodes.items()
        }
        self._changed: set[str] = set()
        # No silence is found before this; None where a deadline may have come nearer. Thousands of
        # nodes are looked through once in a while, not for every pack.
        self._quiet_until_ms: float | None = None

    def note_status(self, node: str, status: Mapping[str, Any], at_ms: int) -> NodeMode | None:
        """Take in a live status; the fact where a known mode is new, or the first since the start.

        `heartbeat_s` says how often the node will speak, a sleeping one seldom.
        """
        life = self._lives.get(node)
        if life is None:
            return None
        wish = status["heartbeat_s"]
        heartbeat_s = min(max(wish, _SHORTEST_HEARTBEAT_S), _LONGEST_HEARTBEAT_S)
        if heartbeat_s < life.heartbeat_s:
            self._quiet_until_ms = None
        life.heartbeat_s = heartbeat_s
        doc = {"heartbeat_s": life.heartbeat_s}
        if _MISSED * life.heartbeat_s * 1000 > SUPERVISION_MS:
            doc["heard_ms"] = at_ms
        doc |= {name: status[name] for name in _TOLD if name in status}
        if doc != life.doc:
            life.doc = doc
            self._changed.add(node)
        mode = status.get("mode", NORMAL)
        news, life.mode = mode != life.mode, mode
        if news and mode not in NODE_MODES:
            # Neither good nor bad news: nobody here knows whether its sensors are read.
            _log.warning("%s runs in mode %r, which is new here; update the gateway", node, mode)
        if not news or mode not in NODE_MODES:
            return None
        return NodeMode(
            source=life.node.source,
            place=life.node.place,
            mode=mode,
            at_ms=at_ms,
            received_ms=at_ms,
        )

    def take(self) -> dict[str, dict[str, Any]]:
        """What nodes declared since the last take, for one commit."""
        docs = {name: self._lives[name].doc for name in self._changed}
        self._changed = set()
        return docs

    def heard(self, node: str, at_ms: int) -> Heard | None:
        """Note a live message; the fact where it ends a silence or is the first since the start.

        The first one counts, since the rules may remember a silence from before a restart.
        """
        life = self._lives.get(node)
        if life is None:
            return None
        news = life.silent or not life.ever_heard
        life.heard_ms = max(life.heard_ms, at_ms)
        if not news:
            return None
        life.silent, life.ever_heard = False, True
        self._quiet_until_ms = None
        return Heard(
            source=life.node.source, place=life.node.place, at_ms=at_ms, received_ms=at_ms
        )

    def excuse(self, away_ms: int, now_ms: int, but: Collection[str] = ()) -> None:
        """Add to every node's time what it could not be heard for.

        Twice, since a node that has lost its broker, too, may wait about as long before it tries
        again (its back-off doubles). `but` are nodes on another link.
        """
        for life in (life for name, life in self._lives.items() if name not in but):
            life.heard_ms = max(life.heard_ms, min(now_ms, life.heard_ms + 2 * away_ms))

    def silences(self, now_ms: int, among: Collection[str] | None = None) -> list[Silence]:
        """Nodes that have just missed their third heartbeat; each is told once, at most 20 at a
        look: thousands may have lost their mains, and no fire alarm waits for all of them.
        """
        found: list[Silence] = []
        if among is None and self._quiet_until_ms is not None and now_ms < self._quiet_until_ms:
            return found
        self._quiet_until_ms = None
        for life in self._of(among):
            if len(found) == _SILENCES_AT_ONCE:
                break
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

    def next_due_ms(self, among: Collection[str] | None = None) -> int | None:
        """When the next silence can be found at the earliest; None if all are silent."""
        if among is not None:
            return _earliest_ms(self._of(among))
        if self._quiet_until_ms is None:
            first_ms = _earliest_ms(self._lives.values())
            self._quiet_until_ms = math.inf if first_ms is None else first_ms
        return None if self._quiet_until_ms == math.inf else int(self._quiet_until_ms)

    def up_and_down(self) -> tuple[int, int]:
        """How many nodes are heard, how many are silent or not heard since the start."""
        up = sum(life.ever_heard and not life.silent for life in self._lives.values())
        return up, len(self._lives) - up

    def safe_count(self) -> int:
        """How many nodes said last that they are in safe mode."""
        return sum(life.mode == SAFE for life in self._lives.values())

    def heard_ms(self, node: str) -> int | None:
        """When a node was last heard since the start; None if it was not."""
        life = self._lives.get(node)
        return life.heard_ms if life is not None and life.ever_heard else None

    def _of(self, among: Collection[str] | None) -> Iterable[_Life]:
        if among is None:
            return self._lives.values()
        return [life for name, life in self._lives.items() if name in among]


def _life(node: NodeSettings, started_ms: int, doc: dict[str, Any]) -> _Life:
    heartbeat_s = doc.get("heartbeat_s", node.heartbeat_s)
    # It may have spoken while the gateway was down: after the start one more heartbeat and a half
    # is its due at least.
    earliest_ms = started_ms - heartbeat_s * 1000 * _MISSED // 2
    heard_ms = max(earliest_ms, min(started_ms, doc.get("heard_ms", started_ms)))
    return _Life(node, heartbeat_s, heard_ms, doc=dict(doc))


def _earliest_ms(lives: Iterable[_Life]) -> int | None:
    return min((_deadline_ms(life) for life in lives if not life.silent), default=None)


def _deadline_ms(life: _Life) -> int:
    return life.heard_ms + life.heartbeat_s * 1000 * _MISSED
