"""The companion sniffer's serial frames: one probe request each, and a heartbeat of zeros."""

from micropython import const

_FIRST = const(0xA5)
_SECOND = const(0x5A)
# mac[6] | seq u16 LE | ie_hash u32 LE | rssi i8 | channel u8
RECORD_BYTES = 14
_FRAME_BYTES = const(17)


class Sniffer:
    """Bytes in any pieces to frames; finds its way again behind a bad one. No allocation.

    After take() was True, `frame` holds the record from byte 2 on, until the next byte.
    """

    def __init__(self) -> None:
        self.frame = bytearray(_FRAME_BYTES)
        self._filled = 0
        self.bad = 0

    def take(self, byte: int) -> bool:
        """One byte; True when it completes a sound frame."""
        frame = self.frame
        if self._filled == 0 and byte != _FIRST:
            return False
        if self._filled == 1 and byte != _SECOND:
            self._filled = 1 if byte == _FIRST else 0
            return False
        frame[self._filled] = byte
        self._filled += 1
        if self._filled < _FRAME_BYTES:
            return False
        total = 0
        for i in range(2, _FRAME_BYTES - 1):
            total += frame[i]
        if total & 0xFF != frame[_FRAME_BYTES - 1]:
            self.bad += 1
            self._resynchronise()
            return False
        self._filled = 0
        return True

    def _resynchronise(self) -> None:
        # The next frame may begin inside the bad one.
        frame = self.frame
        start = 1
        while start < _FRAME_BYTES and not self._begins(start):
            start += 1
        kept = _FRAME_BYTES - start
        for i in range(kept):
            frame[i] = frame[start + i]
        self._filled = kept

    def _begins(self, at: int) -> bool:
        frame = self.frame
        if frame[at] != _FIRST:
            return False
        return at == _FRAME_BYTES - 1 or frame[at + 1] == _SECOND
