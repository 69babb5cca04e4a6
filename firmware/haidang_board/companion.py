"""The companion sniffer's own program, in Python: frames of the air to lines without addresses.

Does what firmware/sniffer/core does in C, byte for byte; tests compare the two.
"""

import random
import struct
from collections import deque
from collections.abc import Callable

SYNC = b"\xa5\x5a"
LINE_BYTES = 17
RANDOMISED = 0x01
HEARTBEAT = 0x80
_RECORD = struct.Struct("<IBBHIbB")
_MASK = (1 << 64) - 1
_HEADER_BYTES = 24
_RING_RECORDS = 128
_CHANNELS = (1, 6, 11)
_DWELL_S = 0.25
_ELEMENT_SSID, _ELEMENT_CHANNEL, _ELEMENT_VENDOR = 0, 3, 221
_VENDOR_BYTES = 4
_ELEMENTS_READ = 64
_COUNT_LIMIT = 0x0FFF


class Companion:
    """Key, window, ring and heartbeat of the sniffer; `now_s` must rise."""

    def __init__(self, chance: random.Random, window_s: float, lines_per_s: float = 677.0) -> None:
        """A key is drawn from `chance` for each window; the line carries 115200 baud."""
        self.window_s = window_s
        self._chance = chance
        self._lines_per_s = lines_per_s
        self._key = chance.randbytes(16)
        self._began_s = 0.0
        self._number = 0
        self.stands = False  # its counter, as a fault
        self._heard = 0
        self._dropped = 0
        self._ring: deque[bytes] = deque()
        self._beat_s = 0.0
        self._sent_s = 0.0
        self._known: dict[bytes, int] = {}

    def hear(self, frame: bytes, rssi_dbm: int, channel: int) -> None:
        """One frame of the air; full means dropped and counted."""
        fields = read_probe(frame, self._hash)
        if fields is None:
            return
        self._heard += not self.stands
        if len(self._ring) == _RING_RECORDS:
            self._dropped += 1
            return
        address, flags, sequence, signature = fields
        self._ring.append(
            line(address, flags, self._number, sequence, signature, rssi_dbm, channel)
        )

    def due(self, now_s: float) -> bytes:
        """What it sends up to now, a heartbeat each second, no faster than the line."""
        sent = []
        if now_s >= self._beat_s:
            self._beat_s = now_s + 1.0
            self._turn(now_s)
            dropped = min(self._dropped, _COUNT_LIMIT)
            sent.append(line(self._heard, HEARTBEAT, self._number, dropped, 0, 0, 0))
            self._dropped = 0
        room = int((now_s - self._sent_s) * self._lines_per_s) + 1
        self._sent_s = now_s
        sent += [self._ring.popleft() for _ in range(min(room, len(self._ring)))]
        return b"".join(sent)

    def _turn(self, now_s: float) -> None:
        if now_s - self._began_s < self.window_s:
            return
        self._key = self._chance.randbytes(16)
        self._known.clear()
        self._began_s = now_s
        self._number = (self._number + 1) & 0xFF

    def _hash(self, data: bytes) -> int:
        # A crowd says the same again and again within a window.
        value = self._known.get(data)
        if value is None:
            value = self._known[data] = siphash(self._key, data)
        return value


def tuned(now_s: float) -> int:
    """The channel that it listens on."""
    return _CHANNELS[int(now_s / _DWELL_S) % len(_CHANNELS)]


def read_probe(frame: bytes, hashed: Callable[[bytes], int]) -> tuple[int, int, int, int] | None:
    """Address hash, flags, sequence number, signature; None where it is no probe request."""
    if len(frame) < _HEADER_BYTES or frame[0] & 0xFC != 0x40 or frame[10] & 1:
        return None
    telling = _telling(frame)
    if telling is None:
        return None
    address = frame[10:16]
    flags = RANDOMISED if address[0] & 2 else 0
    sequence = int.from_bytes(frame[22:24], "little") >> 4
    low = 0xFFFFFFFF
    return hashed(address) & low, flags, sequence, hashed(telling) & low


def line(
    address: int,
    flags: int,
    window: int,
    sequence: int,
    signature: int,
    rssi_dbm: int,
    channel: int,
) -> bytes:
    """The 17 bytes of firmware/sniffer/README.md."""
    record = _RECORD.pack(
        address & 0xFFFFFFFF, flags, window, sequence, signature, rssi_dbm, channel
    )
    return SYNC + record + bytes([sum(record) & 0xFF])


def siphash(key: bytes, data: bytes) -> int:
    """SipHash-2-4 of Aumasson and Bernstein (2012), 64 bits."""
    k0, k1 = struct.unpack("<QQ", key)
    state = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    whole = len(data) & ~7
    tail = data[whole:] + bytes(7 - (len(data) & 7)) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", data[:whole] + tail):
        a, b, c, d = _rounds(state[0], state[1], state[2], state[3] ^ word, 2)
        state = (a ^ word, b, c, d)
    a, b, c, d = _rounds(state[0], state[1], state[2] ^ 0xFF, state[3], 4)
    return a ^ b ^ c ^ d


def _rounds(a: int, b: int, c: int, d: int, count: int) -> tuple[int, int, int, int]:
    for _ in range(count):
        a = (a + b) & _MASK
        c = (c + d) & _MASK
        b = ((b << 13 | b >> 51) & _MASK) ^ a
        d = ((d << 16 | d >> 48) & _MASK) ^ c
        a = (a << 32 | a >> 32) & _MASK
        c = (c + b) & _MASK
        a = (a + d) & _MASK
        b = ((b << 17 | b >> 47) & _MASK) ^ c
        d = ((d << 21 | d >> 43) & _MASK) ^ a
        c = (c << 32 | c >> 32) & _MASK
    return a, b, c, d


def _telling(frame: bytes) -> bytes | None:
    parts: list[bytes] = []
    at = _HEADER_BYTES
    for _ in range(_ELEMENTS_READ + 1):
        if at == len(frame):
            return b"".join(parts)
        if len(frame) - at < 2 or len(frame) - at - 2 < frame[at + 1]:
            return None
        element, size = frame[at], frame[at + 1]
        kept = min(size, _VENDOR_BYTES) if element == _ELEMENT_VENDOR else size
        if element not in (_ELEMENT_SSID, _ELEMENT_CHANNEL):
            parts.append(frame[at : at + 2 + kept])
        at += 2 + size
    return None
