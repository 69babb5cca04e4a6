"""A node's end of a serial link: answers its gateway's polls, and nobody else's. No I/O."""

import struct

from haidang_wire.serial_frames import (
    ANSWER,
    ANSWER_BITS,
    CHALLENGE_BYTES,
    GREETING,
    HEAD,
    HEAD_BYTES,
    HELLO,
    POLL,
    TAG_BYTES,
    VERSION,
    WELCOME,
    Key,
)
from haidang_wire.serial_lanes import ORDINARY, URGENT, WINDOW, Lanes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What a frame meant.
NOTHING = 0
GREETED = 1
POLLED = 2
STARTED = 3

_COUNT_BYTES = 4

# Flags of an answer: more frames follow in this answer; messages that found no room.
MORE = 0x01
URGENT_LEFT = 0x02
ORDINARY_LEFT = 0x04


class NodeSession:
    """One node's sessions, one after the other; a new one counts from its first poll on.

    `random_bytes(count)` draws challenges; `inbox` holds whole messages as (kind, bytes).
    `foreign` counts other nodes' frames, `refused` those with a wrong or old signature.
    """

    def __init__(
        self,
        mac: bytes,
        key: Key,
        epoch: int,
        boot: int,
        random_bytes: "Callable[[int], bytes]",
        limit_bytes: int,
    ) -> None:
        self._mac = mac
        self._key = key
        self._epoch = epoch
        self._boot = boot
        self._random_bytes = random_bytes
        self._limit_bytes = limit_bytes
        # Keys of the present session and of one that no poll has confirmed yet.
        self._present: Key | None = None
        self._promised: Key | None = None
        self._greeting = b""
        self._greetings = 0
        self._counter = 0
        self._grant = 0
        self._lanes = Lanes(limit_bytes)
        self.inbox: list[tuple[int, bytes]] = []
        self.foreign = 0
        self.refused = 0

    @property
    def open(self) -> bool:
        """Whether there is a session."""
        return self._present is not None

    def receive(self, body: bytearray) -> int:
        """What a frame meant; after GREETED send `greeting()`, from POLLED on `answer()`."""
        if len(body) < HEAD_BYTES + TAG_BYTES:
            self.refused += 1
            return NOTHING
        kind, mac, counter = struct.unpack(HEAD, body[:HEAD_BYTES])
        if mac != self._mac or kind not in (HELLO, POLL):
            self.foreign += 1
            return NOTHING
        if kind == HELLO:
            return self._hello(body)
        return self._poll(body, counter)

    def greeting(self) -> bytes:
        """The frame that answers a HELLO."""
        return self._greeting

    def waiting(self, lane: int) -> int:
        """How many fragments of a lane have not come through yet."""
        return self._lanes.waiting(lane)

    def send(self, kind: int, data: bytes, lane: int) -> None:
        """Puts a message in a lane; it is lost with the session."""
        self._lanes.send(kind, data, lane)

    def answer(self) -> "list[bytes]":
        """The frames that answer the last poll, as many as it grants, one at least."""
        assert self._present is not None, "no poll to answer"
        fragments: list[bytes] = []
        while len(fragments) < self._grant:
            fragment = self._lanes.fragment()
            if not fragment:
                break
            fragments.append(fragment)
        frames: list[bytes] = []
        for i in range(max(1, len(fragments))):
            more = i + 1 < len(fragments)
            content = self._lanes.content(MORE if more else self._left(len(fragments)), False)
            if fragments:
                content += fragments[i]
            counter = self._counter << ANSWER_BITS | i
            frames.append(self._present.frame(ANSWER, self._mac, counter, content))
        self._grant = 0
        return frames

    def _left(self, sent: int) -> int:
        # The fragments just sent still count as waiting: they are the first ones.
        urgent = self._lanes.waiting(URGENT)
        flags = URGENT_LEFT if urgent > sent else 0
        return flags | (ORDINARY_LEFT if urgent + self._lanes.waiting(ORDINARY) > sent else 0)

    def _hello(self, body: bytearray) -> int:
        content = body[HEAD_BYTES:-TAG_BYTES]
        if not self._key.signed(body) or len(content) < 1 + CHALLENGE_BYTES:
            self.refused += 1
            return NOTHING
        if content[0] != VERSION:
            self.refused += 1
            return NOTHING
        theirs = bytes(content[1 : 1 + CHALLENGE_BYTES])
        # An ESP32 whose radio is off draws weak random numbers: the count makes each challenge of
        # a boot another one, and the boot is signed too.
        self._greetings += 1
        drawn = self._random_bytes(CHALLENGE_BYTES - _COUNT_BYTES)
        ours = self._greetings.to_bytes(_COUNT_BYTES, "big") + drawn
        self._promised = self._key.session(self._mac, theirs, ours, self._epoch, self._boot)
        welcome = struct.pack(GREETING, VERSION, ours, self._epoch, self._boot)
        self._greeting = self._key.frame(WELCOME, self._mac, 0, welcome, theirs)
        return GREETED

    def _poll(self, body: bytearray, counter: int) -> int:
        outcome = POLLED
        if self._present is None or not self._present.signed(body):
            # A repeated old HELLO must not end the present session: only a poll does.
            if self._promised is None or not self._promised.signed(body):
                self.refused += 1
                return NOTHING
            self._present, self._promised = self._promised, None
            self._lanes = Lanes(self._limit_bytes)
            self._counter = 0
            self.inbox.clear()
            outcome = STARTED
        if counter <= self._counter:
            self.refused += 1
            return NOTHING
        self._counter = counter
        grant = self._lanes.take(body[HEAD_BYTES:-TAG_BYTES], self.inbox)
        self._grant = min(max(grant, 1), WINDOW)
        return outcome
