"""MaxBotix MB73xx (HRXL-MaxSonar-WR): lines of `R`, four digits of millimetres and CR."""

from micropython import const

_BUFFER_BYTES = const(64)
_R = const(0x52)
_CR = const(0x0D)
_DIGITS = const(4)
# Data sheet: what is nearer is told as 300 (500 by the 10 m models); no target as 5000 or 9999.
_NEAREST_MM = const(300)
_NONE_5_M_MM = const(5000)
_NONE_10_M_MM = const(9998)
_STRAY_BYTES = const(6)


class Meter:
    """Bytes in any pieces to distances, which the meter itself has corrected by its temperature.

    readinto, good, bad and read() as those of the A02YYUW.
    """

    beam = True
    corrected = True
    fault = ""

    def __init__(self, readinto) -> None:
        self._readinto = readinto
        self._buffer = bytearray(_BUFFER_BYTES)
        self._digits = -1
        self._told_mm = 0
        self._stray = 0
        # The first line after power-on is of no use.
        self._first = True
        self.good = 0
        self.bad = 0

    def read(self) -> int | None:
        """The newest distance in mm; 0: a line without an echo in range, None: no line."""
        newest = None
        buffer = self._buffer
        count = self._readinto(buffer)
        while count:
            for i in range(count):
                told_mm = self._take(buffer[i])
                if told_mm is not None:
                    newest = told_mm
            count = self._readinto(buffer) if count == _BUFFER_BYTES else 0
        return newest

    def _take(self, byte: int) -> int | None:
        if byte == _R:
            self._digits = self._told_mm = 0
        elif 0 <= self._digits < _DIGITS and 0x30 <= byte <= 0x39:
            self._digits += 1
            self._told_mm = self._told_mm * 10 + byte - 0x30
        elif byte == _CR and self._digits == _DIGITS:
            self._digits = -1
            return self._line()
        else:
            self._digits = -1
            self._stray += 1
            if self._stray >= _STRAY_BYTES:
                self._stray = 0
                self.bad += 1
        return None

    def _line(self) -> int | None:
        self.good += 1
        self._stray = 0
        if self._first:
            self._first = False
            return None
        told_mm = self._told_mm
        if told_mm == _NONE_5_M_MM or not _NEAREST_MM < told_mm < _NONE_10_M_MM:
            return 0
        return told_mm


def make(settings: dict, readinto, write) -> Meter:
    """It tells by itself, six times a second and more."""
    del settings, write
    return Meter(readinto)
