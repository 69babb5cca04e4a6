"""The master of a serial bus: whom to poll when, and how long to wait for the answer. No I/O."""

from collections import namedtuple

from haidang_wire.frames import FRAME_BYTES, Deframer
from haidang_wire.serial_lanes import WINDOW
from haidang_wire.serial_peer import BEGUN, PART, STRANGE, Peer

# kind: a message's kind, or one of the two below; data: its bytes
Event = namedtuple("Event", ("node", "kind", "data"))
SESSION_BEGUN = -1
SESSION_LOST = -2

SERIAL = {
    "frame_bytes": FRAME_BYTES,
    "window": WINDOW,
    "poll_ms": 50,
    "gap_ms": 5,
    "burst_ms": 250,
    "silent_ms": 1000,
    "absent_ms": 1000,
    "absent_cap_ms": 15000,
}
# Start bit, eight bits, stop bit.
_BITS = 10
# How much slower than the present nodes one may be that was never heard.
_DOUBT = 4


def air_ms(count: int, baud: int) -> int:
    """How long `count` bytes are on the wire, rounded up."""
    return (count * _BITS * 1000 + baud - 1) // baud


class Bus:
    """One half-duplex line with its configured nodes; nobody else is ever asked.

    Call `step` when `wait_ms` is over and after `receive`. Frames that nobody awaits count as
    `strange`: echoes of the own bytes, late answers, noise that looks like a frame.
    """

    def __init__(self, peers: "list[Peer]", baud: int, gap_ms: int = 0) -> None:
        self._peers = peers
        self._baud = baud
        # Silence between two turns, for drivers that let go of the line late.
        self._gap_ms = gap_ms or SERIAL["gap_ms"]
        self._deframer = Deframer()
        self._due_ms = [0] * len(peers)
        self._heard_ms = [0] * len(peers)
        self._asked: Peer | None = None
        self._sent_ms = 0
        self._until_ms = 0
        self._first = True
        self._at = 0
        self._favour = False
        self._lost: list[Event] = []
        self.strange = 0

    @property
    def damaged(self) -> int:
        """Frames that were no frames."""
        return self._deframer.bad + self._deframer.overlong

    def step(self, now_ms: int) -> bytes:
        """The bytes to send now; empty while an answer is awaited or nothing is due."""
        if now_ms < self._until_ms:
            return b""
        if self._asked is not None:
            self._give_up(self._asked, now_ms)
            return b""
        at = self._choose(now_ms)
        if at < 0:
            return b""
        peer = self._peers[at]
        self._at = at
        self._asked = peer
        self._first = True
        frame = peer.ask(self._grant(peer))
        self._sent_ms = now_ms + air_ms(len(frame), self._baud)
        self._until_ms = self._sent_ms + self._patience_ms(peer) + air_ms(FRAME_BYTES, self._baud)
        return frame

    def receive(self, data: "bytes | bytearray", now_ms: int) -> "list[Event]":
        """Takes what came in; whole messages and changes of sessions come out."""
        events, self._lost = self._lost, []
        for body in self._deframer.feed(data):
            self._take(body, now_ms, events)
        return events

    def wait_ms(self, now_ms: int) -> int:
        """How long until `step` has something to do."""
        if self._asked is not None or self._until_ms > now_ms:
            return max(0, self._until_ms - now_ms)
        soonest_ms = now_ms + SERIAL["absent_ms"]
        for at in range(len(self._peers)):
            soonest_ms = min(soonest_ms, self._due(at))
        return max(0, soonest_ms - now_ms)

    def _take(self, body: bytearray, now_ms: int, events: "list[Event]") -> None:
        peer = self._asked
        outcome = STRANGE if peer is None else peer.receive(body)
        if peer is None or outcome == STRANGE:
            self.strange += 1
            return
        self._heard_ms[self._at] = now_ms
        if self._first:
            # Measured once per turn: later frames of an answer follow at once.
            self._first = False
            own_ms = air_ms(len(body) + 3, self._baud)
            peer.measured(max(0, now_ms - self._sent_ms - own_ms))
        if outcome == BEGUN:
            events.append(Event(peer.node, SESSION_BEGUN, b""))
        for kind, message in peer.inbox:
            events.append(Event(peer.node, kind, message))
        peer.inbox.clear()
        if outcome == PART:
            self._until_ms = now_ms + peer.latency_ms + air_ms(FRAME_BYTES, self._baud)
        else:
            self._over(now_ms, 0 if peer.busy else SERIAL["poll_ms"])

    def _over(self, now_ms: int, wait_ms: int) -> None:
        self._asked = None
        self._until_ms = now_ms + self._gap_ms
        self._due_ms[self._at] = now_ms + wait_ms

    def _give_up(self, peer: Peer, now_ms: int) -> None:
        was_open = peer.open
        if self._first:
            # A busy node misses two polls in a few ms: it writes flash, or collects garbage.
            peer.missed(now_ms - self._heard_ms[self._at] >= SERIAL["silent_ms"])
        if was_open and not peer.open:
            self._lost.append(Event(peer.node, SESSION_LOST, b""))
        wait_ms = 0
        if peer.open and peer.misses:
            wait_ms = SERIAL["poll_ms"]
        elif peer.misses > 2:
            # A node that is away must not slow the others down.
            doubled = SERIAL["absent_ms"] << min(peer.misses - 3, 4)
            wait_ms = min(doubled, SERIAL["absent_cap_ms"])
        self._over(now_ms, wait_ms)

    def _choose(self, now_ms: int) -> int:
        # Every other turn goes round, so that one node's alarms cannot silence the others.
        self._favour = not self._favour
        ordinary = -1
        for step in range(1, len(self._peers) + 1):
            at = (self._at + step) % len(self._peers)
            if self._due(at) <= now_ms:
                if self._favour and self._peers[at].urgent:
                    return at
                if ordinary < 0:
                    ordinary = at
        return ordinary

    def _patience_ms(self, peer: Peer) -> int:
        # The delay is the line's, a modem's or none: what the present nodes take says how long
        # one that was never heard can take. Alarms of the others wait as long.
        known_ms = [p.latency_ms for p in self._peers if p.measured_once and not p.misses]
        if peer.measured_once or not known_ms:
            return peer.latency_ms
        return min(peer.latency_ms, _DOUBT * max(known_ms))

    def _due(self, at: int) -> int:
        # What was handed over since its last turn makes a present node due at once.
        peer = self._peers[at]
        return 0 if peer.busy and not peer.misses else self._due_ms[at]

    def _grant(self, peer: Peer) -> int:
        # Slow lines take turns often; where answers are far away, a turn carries more.
        budget_ms = max(SERIAL["burst_ms"], 2 * peer.latency_ms if not peer.misses else 0)
        return min(max(budget_ms // air_ms(FRAME_BYTES, self._baud), 1), WINDOW)
