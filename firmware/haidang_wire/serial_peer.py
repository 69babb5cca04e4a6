"""A serial link's master towards one node: its session, and how long its answers take. No I/O."""

import struct

from haidang_wire.naming import check_node
from haidang_wire.serial_frames import (
    ANSWER,
    ANSWER_BITS,
    CHALLENGE_BYTES,
    GREETING,
    HEAD,
    HEAD_BYTES,
    HELLO,
    LAST_POLL,
    POLL,
    TAG_BYTES,
    VERSION,
    WELCOME,
    Key,
    address_of,
)
from haidang_wire.serial_lanes import ORDINARY, URGENT, WINDOW, Lanes
from haidang_wire.serial_session import MORE, ORDINARY_LEFT, URGENT_LEFT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What a frame meant: not this node's answer, one of several, the last of an answer.
STRANGE = 0
PART = 1
WHOLE = 2
BEGUN = 3

# So many polls without an answer, and silence as well: the node may have started anew and knows
# the session no more.
_MISSES = 2
# Until an answer was measured; a radio modem may take this long.
_FIRST_LATENCY_MS = 1000
_LEAST_SLACK_MS = 20
_LONGEST_WAIT_MS = 4000


class Peer:
    """One configured node. `inbox` holds whole messages as (kind, bytes).

    `he` (hex) and `hb` name the boot of its session; `lost` counts polls without an answer,
    `refused` frames with a wrong or old signature.
    """

    def __init__(
        self,
        node: str,
        key: bytes,
        random_bytes: "Callable[[int], bytes]",
        limit_bytes: int = 8192,
    ) -> None:
        check_node(node)
        self.node = node
        self.mac = address_of(node)
        self.he = ""
        self.hb = 0
        self.inbox: list[tuple[int, bytes]] = []
        self.lost = 0
        self.refused = 0
        self.flags = 0
        # Polls in a row without an answer.
        self.misses = 0
        self._key = Key(key)
        self._random_bytes = random_bytes
        self._limit_bytes = limit_bytes
        self._session: Key | None = None
        self._challenge = b""
        self._counter = 0
        self._next_part = 0
        self._lanes = Lanes(limit_bytes)
        self._latency_ms = _FIRST_LATENCY_MS
        self._spread_ms = 0

    @property
    def open(self) -> bool:
        """Whether there is a session."""
        return self._session is not None

    @property
    def busy(self) -> bool:
        """Whether either side holds something for the other."""
        left = self.flags & (URGENT_LEFT | ORDINARY_LEFT)
        return bool(left or self._lanes.waiting(URGENT) or self._lanes.waiting(ORDINARY))

    @property
    def urgent(self) -> bool:
        """Whether either side holds something urgent."""
        return bool(self.flags & URGENT_LEFT or self._lanes.waiting(URGENT))

    @property
    def measured_once(self) -> bool:
        """Whether an answer's delay is known at all."""
        return self._latency_ms != _FIRST_LATENCY_MS or self._spread_ms > 0

    @property
    def latency_ms(self) -> int:
        """How long to wait for an answer beyond its air time: measured mean and spread."""
        slack = max(4 * self._spread_ms, _LEAST_SLACK_MS)
        wait = self._latency_ms + slack << min(self.misses, 3)
        return min(wait, _LONGEST_WAIT_MS)

    def send(self, kind: int, data: bytes, lane: int) -> None:
        """Puts a message in a lane; it is lost with the session."""
        self._lanes.send(kind, data, lane)

    def waiting(self, lane: int) -> int:
        """How many fragments of a lane have not come through yet."""
        return self._lanes.waiting(lane)

    def ask(self, grant: int) -> bytes:
        """The frame to send now: HELLO without a session, else a poll for `grant` frames."""
        if self._session is None or self._counter == LAST_POLL:
            self._session = None
            self._challenge = self._random_bytes(CHALLENGE_BYTES)
            hello = bytes((VERSION,)) + self._challenge
            return self._key.frame(HELLO, self.mac, 0, hello)
        self._counter += 1
        self._next_part = 0
        content = self._lanes.content(min(max(grant, 1), WINDOW))
        return self._session.frame(POLL, self.mac, self._counter, content)

    def receive(self, body: bytearray) -> int:
        """What a frame meant for the present poll."""
        if len(body) < HEAD_BYTES + TAG_BYTES:
            return STRANGE
        kind, mac, counter = struct.unpack(HEAD, body[:HEAD_BYTES])
        if mac != self.mac:
            return STRANGE
        if kind == WELCOME:
            return self._welcome(body)
        if kind == ANSWER:
            return self._answer(body, counter)
        return STRANGE

    def missed(self, silent: bool) -> None:
        """No answer came in time; silent: none for so long that the node is not just busy."""
        self.lost += 1
        self.misses += 1
        self.flags = 0
        if silent and self.open and self.misses >= _MISSES:
            self._session = None
            self.misses = _MISSES

    def measured(self, latency_ms: int) -> None:
        """The time from a frame's end to its answer's beginning (RFC 6298's smoothing)."""
        if not self.measured_once:
            self._latency_ms, self._spread_ms = latency_ms, latency_ms // 2
            return
        off_ms = abs(self._latency_ms - latency_ms)
        self._spread_ms += (off_ms - self._spread_ms) // 4
        self._latency_ms += (latency_ms - self._latency_ms) // 8

    def _welcome(self, body: bytearray) -> int:
        content = body[HEAD_BYTES:-TAG_BYTES]
        awaited = self._session is None and self._challenge
        if not awaited or len(content) != struct.calcsize(GREETING):
            return STRANGE
        if not self._key.signed(body, self._challenge):
            self.refused += 1
            return STRANGE
        version, theirs, he, hb = struct.unpack(GREETING, content)
        if version != VERSION:
            self.refused += 1
            return STRANGE
        self._session = self._key.session(self.mac, self._challenge, theirs, he, hb)
        self._challenge = b""
        self._counter = 0
        self._lanes = Lanes(self._limit_bytes)
        self.he = "%08x" % he
        self.hb = hb
        self.misses = 0
        self.flags = ORDINARY_LEFT
        self.inbox.clear()
        return BEGUN

    def _answer(self, body: bytearray, counter: int) -> int:
        part = counter & (1 << ANSWER_BITS) - 1
        if self._session is None or counter >> ANSWER_BITS != self._counter:
            return STRANGE
        if part < self._next_part or not self._session.signed(body):
            self.refused += 1
            return STRANGE
        self._next_part = part + 1
        self.misses = 0
        self.flags = self._lanes.take(body[HEAD_BYTES:-TAG_BYTES], self.inbox)
        self.flags = max(self.flags, 0)
        return PART if self.flags & MORE else WHOLE
