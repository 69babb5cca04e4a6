"""Ultrasonic meters with frames of four bytes `FF hi lo sum`; the A02YYUW's own limits."""

from micropython import const

_HEADER = const(0xFF)
_FRAME_BYTES = const(4)
_BUFFER_BYTES = const(64)
# A02YYUW data sheet: blind below 30 mm, range 7.5 m.
_NEAREST_MM = const(30)
_FARTHEST_MM = const(7500)
_ASK = b"\x55"


class Meter:
    """Bytes in any pieces to distances; finds its way again behind a bad frame. No allocation.

    readinto(buffer) gives the UART's bytes, None where there are none; `write` is there where the
    meter wants to be asked. The sum is over the bytes from `summed_from` on. `good` and `bad`
    count frames, four bytes that belong to none are a bad one; who judges them sets them to 0.
    """

    # Sound is reflected from what is nearest, and the distance is right for one temperature only.
    beam = True
    corrected = False
    fault = ""

    def __init__(
        self,
        readinto,
        write=None,
        nearest_mm: int = _NEAREST_MM,
        farthest_mm: int = _FARTHEST_MM,
        summed_from: int = 0,
    ) -> None:
        self._readinto = readinto
        self._write = write
        self._nearest_mm = nearest_mm
        self._farthest_mm = farthest_mm
        self._summed_from = summed_from
        self._buffer = bytearray(_BUFFER_BYTES)
        self._frame = bytearray(_FRAME_BYTES)
        self._filled = 0
        self._stray = 0
        self.good = 0
        self.bad = 0

    def read(self) -> int | None:
        """The newest distance in mm; 0: a frame without an echo in range, None: no frame."""
        newest = None
        buffer = self._buffer
        count = self._readinto(buffer)
        while count:
            for i in range(count):
                told_mm = self._take(buffer[i])
                if told_mm is not None:
                    newest = told_mm
            count = self._readinto(buffer) if count == _BUFFER_BYTES else 0
        if self._write:
            self._write(_ASK)
        return newest

    def _take(self, byte: int) -> int | None:
        frame = self._frame
        if self._filled == 0 and byte != _HEADER:
            self._stray += 1
            if self._stray == _FRAME_BYTES:
                self._stray = 0
                self.bad += 1
            return None
        frame[self._filled] = byte
        self._filled += 1
        if self._filled < _FRAME_BYTES:
            return None
        total = frame[1] + frame[2]
        if self._summed_from == 0:
            total += _HEADER
        if total & 0xFF != frame[3]:
            self.bad += 1
            # The next header may lie inside the bad frame: dropping all of it would lose it.
            start = 1
            while start < _FRAME_BYTES and frame[start] != _HEADER:
                start += 1
            self._filled = _FRAME_BYTES - start
            for i in range(self._filled):
                frame[i] = frame[start + i]
            return None
        self._filled = 0
        self.good += 1
        distance_mm = frame[1] << 8 | frame[2]
        return distance_mm if self._nearest_mm < distance_mm <= self._farthest_mm else 0


def make(settings: dict, readinto, write) -> Meter:
    """It tells by itself, ten times a second."""
    del settings, write
    return Meter(readinto)
