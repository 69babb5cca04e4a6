"""The A02YYUW's serial frames: `FF hi lo sum`, the distance in millimetres."""

from micropython import const

_HEADER = const(0xFF)
_FRAME_BYTES = const(4)
# A02YYUW data sheet: blind below 30 mm, range 7.5 m.
_NEAREST_MM = const(30)
_FARTHEST_MM = const(7500)


class Ultrasonic:
    """Bytes in any pieces to distances; finds its way again behind a bad frame. No allocation."""

    def __init__(self) -> None:
        self._frame = bytearray(_FRAME_BYTES)
        self._filled = 0
        self.good = 0
        self.bad = 0

    def take(self, byte: int) -> int:
        """One byte; the distance in mm when it completes a valid frame, 0 otherwise."""
        frame = self._frame
        if self._filled == 0 and byte != _HEADER:
            return 0
        frame[self._filled] = byte
        self._filled += 1
        if self._filled < _FRAME_BYTES:
            return 0
        distance_mm = frame[1] << 8 | frame[2]
        if (frame[0] + frame[1] + frame[2]) & 0xFF != frame[3]:
            self.bad += 1
            self._resynchronise()
            return 0
        self._filled = 0
        if not _NEAREST_MM < distance_mm <= _FARTHEST_MM:
            self.bad += 1
            return 0
        self.good += 1
        return distance_mm

    def _resynchronise(self) -> None:
        # The next header may lie inside the bad frame: dropping all four bytes would lose it.
        frame = self._frame
        start = 1
        while start < _FRAME_BYTES and frame[start] != _HEADER:
            start += 1
        kept = _FRAME_BYTES - start
        for i in range(kept):
            frame[i] = frame[start + i]
        self._filled = kept
