"""A simulated node's sending end whose packets are made before the clock starts.

It keeps a node's window, frees what is acknowledged by name (or by PUBACK alone, where nobody
acknowledges by name) and sends again what was not, as `haidang_tools.fleet_node` does.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from haidang_tools.fleet_node import SimNode
from haidang_wire import ranges
from haidang_wire.naming import GW_STATUS, node_topic
from haidang_wire.session_events import SESSION

from bench.forward_wire import WireEnd, published

_WINDOW: int = SESSION["window"] - SESSION["alarm_places"]
_RESEND_S: float = SESSION["resend_ms"] / 1000
_STATUS_ID = 65_000
_HEARTBEAT_S = 30
# A packet's id is its number and one.
_MOST_PACKS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How nodes publish; all that is due in one write, unless said otherwise.

    apart: each pack in a write of its own, as a real node writes them. window: at most so many
    without the broker's PUBACK, whoever else acknowledges; 0: no such bound.
    """

    apart: bool = False
    window: int = 0

    @property
    def tag(self) -> str:
        """What the names of its figures say."""
        return "apart_" * self.apart + (f"window_{self.window}_" if self.window else "")


class Publisher(WireEnd):
    """One node; packs wait in `fresh` until there is room in its window.

    puback_is_enough: nobody acknowledges by name.
    """

    def __init__(
        self,
        node: SimNode,
        on_free: Callable[[int], None],
        *,
        writing: Writing,
        puback_is_enough: bool,
    ) -> None:
        """Store the arguments."""
        super().__init__(node.id, [node_topic(node.id, "ack"), GW_STATUS])
        self.node = node
        self.sent = 0
        self.fresh: deque[tuple[int, bytes]] = deque()
        self._topic = node_topic(node.id, "data")
        self._on_way: dict[int, bytes] = {}
        self._unconfirmed: set[int] = set()
        self._freed = 0
        self._next = 0
        self._on_free = on_free
        self._apart = writing.apart
        self._most_unconfirmed = writing.window or _MOST_PACKS
        self._by_puback = puback_is_enough
        self._gateway_up = puback_is_enough
        self._ack = node_topic(node.id, "ack").encode()
        self._moved_s = 0.0

    def prepare(self, payload: bytes) -> tuple[int, bytes]:
        """The pack of the node's next number, ready to be sent."""
        seq = self.node.next_seq
        if seq >= _MOST_PACKS:
            raise ValueError("so many packs of one node need the slower FleetLink")
        self.node.next_seq += 1
        return seq, published(self._topic, payload, seq + 1)

    def keep(self, pack: tuple[int, bytes]) -> None:
        """Take a prepared pack, in the order of their numbers."""
        self.fresh.append(pack)
        self._next = pack[0] + 1

    def tell(self) -> None:
        """The node's status, with what it holds of what it was handed."""
        node = self.node
        status = json.loads(node.status(time.time_ns() // 1_000_000, _HEARTBEAT_S))
        held = ranges.from_sorted(sorted([*self._on_way, *(seq for seq, _ in self.fresh)]))
        boot = {"hb": node.boot, "next": self._next, "held": held[:256], "dropped": []}
        status["boots"] = [boot]
        document = json.dumps(status, separators=(",", ":")).encode()
        self.write(published(node_topic(node.id, "status"), document, _STATUS_ID, retain=True))

    def ping(self) -> None:
        super().ping()
        self.tell()

    def pump(self) -> None:
        """Send what is due."""
        room = min(_WINDOW - len(self._on_way), self._room_at_broker(), len(self.fresh))
        if room <= 0 or not self._gateway_up:
            return
        due = [self.fresh.popleft() for _ in range(room)]
        self._on_way.update(due)
        self._send(due)

    def look(self) -> None:
        """Send again what nobody has acknowledged for two seconds."""
        late = time.monotonic() - self._moved_s > _RESEND_S
        if self._on_way and late and not self._by_puback:
            self._send(list(self._on_way.items())[: self._room_at_broker()])

    def on_puback(self, packet_id: int) -> None:
        self._unconfirmed.discard(packet_id - 1)
        if self._by_puback and self._on_way.pop(packet_id - 1, None) is not None:
            self._freed += 1

    def on_message(self, topic: bytes, payload: bytes) -> None:
        if topic != self._ack:
            self._gateway_up = self._by_puback or b"online" in payload
            return
        ack = json.loads(payload)
        if ack["he"] == self.node.epoch and ack["hb"] == self.node.boot:
            for low, high in ack["s"]:
                for seq in range(low, high + 1):
                    self._freed += self._on_way.pop(seq, None) is not None

    def taken(self) -> None:
        if self._freed:
            self._on_free(self._freed)
            self._freed = 0
            self._moved_s = time.monotonic()
        self.pump()

    def _room_at_broker(self) -> int:
        return self._most_unconfirmed - len(self._unconfirmed)

    def _send(self, packs: list[tuple[int, bytes]]) -> None:
        self.sent += len(packs)
        self._unconfirmed.update(seq for seq, _ in packs)
        self._moved_s = time.monotonic()
        packets = [packet for _, packet in packs]
        if self._apart:
            for packet in packets:
                self.write(packet)
        else:
            self.write(b"".join(packets))
