"""Addresses that the chip itself sees (its stations, Bluetooth) as the sniffer's lines.

Each address is hashed under the window's key at once; the key is drawn anew with each window.
"""

import hashlib

from micropython import const

_LINE = const(17)
_TICKS_MASK = const((1 << 30) - 1)
_BEAT_MS = const(1000)
_WAITING = const(64)
_HEARTBEAT = const(0x80)
# A whole block behind key and address: it takes their place in the hash's own buffer.
_OVER = bytes(64)


class Addresses:
    """note() takes addresses, readinto() gives lines; listen() is called once a second.

    ticks_ms() wraps at 2**30; random(count) gives random bytes.
    """

    def __init__(self, window_s: int, ticks_ms, random, listen=None) -> None:
        self._window_ms = window_s * 1000
        self._ticks_ms = ticks_ms
        self._random = random
        self._listen = listen
        self._key = random(16)
        self._number = 0
        self._began_ms = self._beat_ms = ticks_ms()
        self._first = True
        self._waiting: list = []
        self._heard = self._dropped = 0

    def note(self, address: "bytes | memoryview") -> None:
        """One address was seen; no copy of it is made, not even one for the collector."""
        self._heard += 1
        if len(self._waiting) < _WAITING:
            keyed = hashlib.sha256(self._key)
            keyed.update(address)
            keyed.update(_OVER)
            self._waiting.append(keyed.digest()[:4])
        else:
            self._dropped += 1

    def readinto(self, buffer: bytearray):
        """Whole lines; None where there are none."""
        filled = 0
        now_ms = self._ticks_ms()
        if self._first or (now_ms - self._beat_ms) & _TICKS_MASK >= _BEAT_MS:
            self._first = False
            self._beat_ms = now_ms
            self._turn(now_ms)
            if self._listen:
                self._listen(self.note)
            heard = (self._heard & 0xFFFFFFFF).to_bytes(4, "little")
            filled = self._put(buffer, filled, heard, _HEARTBEAT, min(self._dropped, 0xFFF))
            self._dropped = 0
        while self._waiting and len(buffer) - filled >= _LINE:
            filled = self._put(buffer, filled, self._waiting.pop(0), 0, 0)
        return filled if filled else None

    def _turn(self, now_ms: int) -> None:
        if (now_ms - self._began_ms) & _TICKS_MASK >= self._window_ms:
            self._key = self._random(16)
            self._waiting.clear()
            self._number = (self._number + 1) & 0xFF
            self._began_ms = now_ms

    def _put(self, buffer: bytearray, at: int, value: bytes, flags: int, sequence: int) -> int:
        head = bytes((flags, self._number, sequence & 0xFF, sequence >> 8))
        record = value + head + bytes(6)
        line = b"\xa5\x5a" + record + bytes((sum(record) & 0xFF,))
        buffer[at : at + _LINE] = line
        return at + _LINE
