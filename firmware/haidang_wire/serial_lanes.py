"""Messages in numbered fragments over frames that may be lost: two lanes, four on the way each."""

from haidang_wire.serial_frames import CONTENT_BYTES

# Kinds of messages; packs are SenML in CBOR (or JSON kept from another link), all others JSON.
ALARM = 1
DATA = 2
STATUS = 3
REPLY = 4
TIME = 5
TAKEN = 6
ACK = 7
COMMAND = 8

URGENT = 0
ORDINARY = 1

WINDOW = 4
# What each content begins with: one byte of the frame's own, then both lanes' receipts.
_RECEIPT_BYTES = 2
_OPENING_BYTES = 5
# lane, whether it is the last of its message, kind; number
_FRAGMENT_HEAD_BYTES = 2
_ORDINARY_BIT = 0x80
_LAST_BIT = 0x40
_KIND_BITS = 0x3F
FRAGMENT_BYTES = CONTENT_BYTES - _OPENING_BYTES - _FRAGMENT_HEAD_BYTES


class Lanes:
    """Both directions of one session as one end sees them.

    Half duplex: whoever has the turn knows from the other's last frame what has come through, so
    all else is sent again at once; there are no timers here. `limit_bytes` bounds a message.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._going = (_Going(URGENT), _Going(ORDINARY))
        self._coming = (_Coming(limit_bytes), _Coming(limit_bytes))

    def send(self, kind: int, data: bytes, lane: int) -> None:
        """Puts a message in a lane."""
        self._going[lane].messages.append((kind, data))

    def waiting(self, lane: int) -> int:
        """How many fragments of a lane have not come through, all messages together."""
        return self._going[lane].waiting()

    @property
    def overlong(self) -> int:
        """Messages above the limit that were left out."""
        return self._coming[URGENT].overlong + self._coming[ORDINARY].overlong

    def content(self, first: int, with_fragment: bool = True) -> bytes:
        """What a frame carries: `first`, receipts, a fragment where one is due."""
        receipts = self._coming[URGENT].receipt() + self._coming[ORDINARY].receipt()
        fragment = self.fragment() if with_fragment else b""
        return bytes((first,)) + receipts + fragment

    def fragment(self) -> bytes:
        """The next fragment due in this turn, urgent ones first; empty where none is."""
        return self._going[URGENT].next() or self._going[ORDINARY].next()

    def take(self, content: bytearray, inbox: "list[tuple[int, bytes]]") -> int:
        """Reads what a frame carried; whole messages go to `inbox`. Its first byte, -1: too short.

        Begins a turn: what the other end has not got is due again.
        """
        if len(content) < _OPENING_BYTES:
            return -1
        self._going[URGENT].received(content[1], content[2])
        self._going[ORDINARY].received(content[3], content[4])
        if len(content) >= _OPENING_BYTES + _FRAGMENT_HEAD_BYTES:
            flags = content[_OPENING_BYTES]
            lane = ORDINARY if flags & _ORDINARY_BIT else URGENT
            number = content[_OPENING_BYTES + 1]
            data = content[_OPENING_BYTES + _FRAGMENT_HEAD_BYTES :]
            self._coming[lane].take(flags, number, data, inbox)
        return content[0]


class _Going:
    # Fragments on the way are (number, bytes); `_due` says how many of them this turn has sent.
    def __init__(self, lane: int) -> None:
        self._lane_bit = _ORDINARY_BIT if lane == ORDINARY else 0
        self.messages: list[tuple[int, bytes]] = []
        self._offset = 0
        self._number = 0
        self._on_way: list[tuple[int, bytes]] = []
        self._sent = 0

    def waiting(self) -> int:
        total = len(self._on_way)
        for _, data in self.messages:
            total += len(data) // FRAGMENT_BYTES + 1
        return total

    def received(self, expected: int, bitmap: int) -> None:
        on_way = []
        for number, fragment in self._on_way:
            ahead = number - expected & 0xFF
            # Beyond the window means behind it: the other end has had it.
            missing = ahead < WINDOW and not (ahead and bitmap >> (ahead - 1) & 1)
            if missing:
                on_way.append((number, fragment))
        self._on_way = on_way
        self._sent = 0

    def next(self) -> bytes:
        if self._sent == len(self._on_way) and not self._cut():
            return b""
        fragment = self._on_way[self._sent][1]
        self._sent += 1
        return fragment

    def _cut(self) -> bool:
        if not self.messages or not self._room():
            return False
        kind, data = self.messages[0]
        end = self._offset + FRAGMENT_BYTES
        last = end >= len(data)
        flags = self._lane_bit | (_LAST_BIT if last else 0) | kind
        piece = bytes((flags, self._number)) + data[self._offset : end]
        self._on_way.append((self._number, piece))
        self._number = self._number + 1 & 0xFF
        self._offset = 0 if last else end
        if last:
            del self.messages[0]
        return True

    def _room(self) -> bool:
        # The window counts from the oldest that is missing.
        return not self._on_way or (self._number - self._on_way[0][0] & 0xFF) < WINDOW


class _Coming:
    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._expected = 0
        self._early: dict[int, tuple[int, bytearray]] = {}
        self._message = bytearray()
        self._skipping = False
        self.overlong = 0

    def receipt(self) -> bytes:
        bitmap = 0
        for ahead in range(1, WINDOW):
            if (self._expected + ahead & 0xFF) in self._early:
                bitmap |= 1 << (ahead - 1)
        return bytes((self._expected, bitmap))

    def take(
        self, flags: int, number: int, data: bytearray, inbox: "list[tuple[int, bytes]]"
    ) -> None:
        # Behind the window lies what has come before.
        if number - self._expected & 0xFF < WINDOW:
            self._early[number] = (flags, data)
        while self._expected in self._early:
            flags, data = self._early.pop(self._expected)
            self._expected = self._expected + 1 & 0xFF
            self._append(flags, data, inbox)

    def _append(self, flags: int, data: bytearray, inbox: "list[tuple[int, bytes]]") -> None:
        if self._skipping or len(self._message) + len(data) > self._limit_bytes:
            self._skipping = True
        else:
            self._message += data
        if flags & _LAST_BIT:
            if self._skipping:
                self.overlong += 1
            else:
                inbox.append((flags & _KIND_BITS, bytes(self._message)))
            self._message = bytearray()
            self._skipping = False
