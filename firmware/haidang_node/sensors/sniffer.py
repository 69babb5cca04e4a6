"""The sniffer's serial lines: one probe request each, and a heartbeat; no address is in them."""

from micropython import const

_FIRST = const(0xA5)
_SECOND = const(0x5A)
LINE_BYTES = 17
_LINE = const(17)
_SUM = const(16)


class Sniffer:
    """Bytes in any pieces to lines; finds its way again behind a bad one. No allocation."""

    def __init__(self) -> None:
        self.line = bytearray(_LINE)
        self.whole = False
        self._filled = 0
        self.bad = 0

    def take(self, buffer: bytearray, at: int, end: int) -> int:
        """Reads on from buffer[at]; gives where it stopped: behind a sound line, or `end`.

        `whole` tells that `line` holds a sound one, until the next call.
        """
        line = self.line
        filled = self._filled
        self.whole = False
        while at < end and not self.whole:
            line[filled] = buffer[at]
            at += 1
            filled += 1
            if filled == _LINE:
                filled = self._judged()
        self._filled = filled
        return at

    def _judged(self) -> int:
        line = self.line
        # The two bytes of the mark add up to 255.
        sums_up = (sum(line) - 255 - line[_SUM]) & 0xFF == line[_SUM]
        if sums_up and line[0] == _FIRST and line[1] == _SECOND:
            self.whole = True
            return 0
        self.bad += 1
        # The next line may begin inside the bad one.
        start = 1
        while start < _LINE and line[start] != _FIRST:
            start += 1
        kept = _LINE - start
        for i in range(kept):
            line[i] = line[start + i]
        return kept
