"""Footfall: phones in reach in each window of the sniffer. No address ever comes this far."""

from micropython import const

from haidang_node import loading, log
from haidang_node.sensors.sketch import Sketch
from haidang_node.sensors.sniffer import Sniffer
from haidang_wire.senml_text import Record

# The sniffer sends a heartbeat each second: silence is a fault, not an empty street.
_SILENT_MS = const(3000)
# Its key lives for an hour at most; one that does not turn would let phones be followed.
_KEY_MS = const(3900000)
# Not one probe request for six hours, in a city: its radio is deaf.
_DEAF_MS = const(21600000)
# Beats with lines whose counter stands still; what waits in its ring comes within one.
_STANDS = const(10)
_BUFFER_BYTES = const(85)
# 800 lines a second, more than a wire brings. A source that never ends must not hold the node.
_READS = const(16)
# Times wrap here, so that they stay small integers on the chip.
_TICKS_MASK = const((1 << 30) - 1)
_HIDDEN = const(0x01)
_HEARTBEAT = const(0x80)
_SLOT_BITS = const(10)
_BAD_LINES = const(2)
_LOG = log.Log("footfall")


class Footfall:
    """Lines to a number of phones per window; call sample() every 100 ms.

    readinto(buffer) gives the sniffer's lines in any pieces. The window is the sniffer's: its
    number turns with its key, and values of two windows cannot be compared. A window that was
    not heard whole is not told. Sampling allocates only when a window ends.
    """

    kind = "footfall"
    period_ms = 100
    state = ""

    def __init__(self, settings: dict, readinto) -> None:
        self._readinto = readinto
        self._source = settings["source"]
        self._buffer = bytearray(_BUFFER_BYTES)
        self._sniffer = Sniffer()
        self._sketch = Sketch()
        self._learnt: tuple = ()
        self._lines = self._lines_before = 0
        self._total = self._stands = self._grew_ms = 0
        self._window = -1
        self._began_ms = 0
        self._whole = False
        self._heard_ms = -1
        self._told = ""
        self._at_ms = 0
        self._result: list = []
        self.health = "warming"

    def sample(self, now_ms: int) -> None:
        """Counts what the sniffer heard; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        if self._heard_ms < 0:
            self._heard_ms = self._grew_ms = now_ms
        # Not as a pair: compiled, a pair is an object.
        sniffer = self._sniffer
        buffer = self._buffer
        for _ in range(_READS):
            count = self._readinto(buffer) or 0
            at = 0
            while at < count:
                at = sniffer.take(buffer, at, count)
                if sniffer.whole:
                    self._line(now_ms)
            if count < _BUFFER_BYTES:
                break
        self._judge(now_ms)

    def changed(self) -> bool:
        """Whether the health differs from what was last told; the new one counts as told."""
        same = self.health == self._told
        self._told = self.health
        return not same

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.health == "ok"

    def state_records(self) -> list:
        """The health; counts are telemetry."""
        return [Record("footfall/health", self.health, self._at_ms)]

    def records(self) -> list:
        """The health, and each window's count once."""
        result, self._result = self._result, []
        return self.state_records() + result

    def source(self) -> tuple:
        """(window number, bad lines, requests heard, age of the key, s)."""
        key_s = ((self._at_ms - self._began_ms) & _TICKS_MASK) // 1000
        return self._window, self._sniffer.bad, self._total, key_s

    def _line(self, now_ms: int) -> None:
        line = self._sniffer.line
        if line[6] & _HEARTBEAT:
            self._beat(line, now_ms)
        elif line[7] == self._window:
            # Lines of the key before may still come: they are worth nothing now.
            self._lines += 1
            address = line[2] | line[3] << 8 | line[4] << 16 | (line[5] & 31) << 24
            sequence = line[8] | line[9] << 8 if line[6] & _HIDDEN else -1
            model = line[10] | line[11] << 8
            self._sketch.add(address, now_ms >> _SLOT_BITS & 255, model, sequence)

    def _beat(self, line: bytearray, now_ms: int) -> None:
        total = line[2] | line[3] << 8 | line[4] << 16
        dropped = line[8] | line[9] << 8
        if total < self._total:
            # It started again, with another key.
            self._whole = False
        lines = self._lines - self._lines_before
        if total != self._total:
            self._total = total
            self._grew_ms = now_ms
            self._stands = 0
        elif lines:
            self._stands += 1
        self.health = self._fault(lines, dropped, now_ms) or "ok"
        self._sniffer.bad = 0
        self._heard_ms = now_ms
        if line[7] != self._window:
            self._turn(line[7], now_ms)
        self._lines_before = self._lines

    def _fault(self, lines: int, dropped: int, now_ms: int) -> str:
        if dropped * 4 > lines or self._sniffer.bad > _BAD_LINES:
            return "noisy"
        if self._stands > _STANDS:
            self._whole = False
            return "stuck"
        if (now_ms - self._grew_ms) & _TICKS_MASK > _DEAF_MS:
            self._whole = False
            return "silent"
        return ""

    def _turn(self, window: int, now_ms: int) -> None:
        window_s = (((now_ms - self._began_ms) & _TICKS_MASK) + 500) // 1000
        if self._whole:
            self._end(window_s, now_ms)
        self._sketch.clear()
        self._lines = 0
        self._began_ms = now_ms
        # The first one began before the node did.
        self._whole = self._window >= 0
        self._window = window

    def _end(self, window_s: int, now_ms: int) -> None:
        try:
            self._result, self._learnt = loading.call(
                "haidang_node.sensors.crowd",
                "records",
                self._sketch,
                self._learnt,
                self._lines,
                window_s,
                self._source,
                now_ms,
            )
        except MemoryError:
            _LOG.warning("no memory to count a window")

    def _judge(self, now_ms: int) -> None:
        if (now_ms - self._heard_ms) & _TICKS_MASK > _SILENT_MS:
            # Moved along, so that it stays silent when the time wraps.
            self._heard_ms = (now_ms - _SILENT_MS - 1) & _TICKS_MASK
            # Bytes that are no lines: a wrong baud rate, or a loose wire.
            self.health = "noisy" if self._sniffer.bad > _BAD_LINES else "silent"
            self._whole = False
        elif self._window >= 0 and (now_ms - self._began_ms) & _TICKS_MASK > _KEY_MS:
            self.health = "stuck"
            self._whole = False
