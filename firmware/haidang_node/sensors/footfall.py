"""Footfall: how many phones' probe requests were heard in a window. No MAC leaves this file."""

from micropython import const

from haidang_node.sensors.sketch import Sketch, interval
from haidang_node.sensors.sniffer import Sniffer
from haidang_wire.senml import Record

# Fewer devices than this could be told apart as persons: no count is given.
_SUPPRESSED_BELOW = const(5)
# The sniffer sends a heartbeat each second: silence is a fault, not an empty street.
_SILENT_MS = const(3000)
_BUFFER_BYTES = const(256)
# Times wrap here, so that they stay small integers on the chip.
_TICKS_MASK = const((1 << 30) - 1)
_LOCALLY_ADMINISTERED = const(0x02)
_MAC = const(2)
_MAC_END = const(8)
_IE_HASH = const(10)
_IE_HASH_END = const(14)


class Footfall:
    """Frames to a count per window; call sample() every 100 ms.

    A phone that sends its own MAC counts by it. One that randomises it counts by the hash of its
    information elements: phones of one model count as one, so the estimate is a lower one (first
    version). readinto(buffer) gives the UART's bytes; random_32 draws the salt, which lives in RAM
    for one window. Sampling allocates only when a window ends.
    """

    kind = "footfall"
    period_ms = 100
    state = ""

    def __init__(self, settings: dict, readinto, random_32) -> None:
        self._readinto = readinto
        self._random_32 = random_32
        self._window_ms = settings["window_s"] * 1000
        self._buffer = bytearray(_BUFFER_BYTES)
        self._sniffer = Sniffer()
        self._sketch = Sketch()
        self._sketch.clear(random_32())
        self._frames = 0
        self._began_ms = -1
        self._whole = True
        self._heard_ms = -1
        self._told = ""
        self._at_ms = 0
        self._result: tuple | None = None
        self.health = "warming"

    def sample(self, now_ms: int) -> None:
        """Counts what the sniffer heard; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        if self._began_ms < 0:
            self._began_ms = now_ms
        count = self._readinto(self._buffer)
        while count:
            for i in range(count):
                if self._sniffer.take(self._buffer[i]):
                    self._heard_ms = now_ms
                    self._count()
            count = self._readinto(self._buffer) if count == _BUFFER_BYTES else 0
        self._judge(now_ms)
        if (now_ms - self._began_ms) & _TICKS_MASK >= self._window_ms:
            self._end_window(now_ms)

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
        """The health, and each window's count once; none for a window with a silence in it."""
        records = self.state_records()
        result, self._result = self._result, None
        if result is None:
            return records
        at_ms, count, frames = result
        if count < _SUPPRESSED_BELOW:
            records.append(Record("footfall/suppressed", True, at_ms))
        else:
            low, high = interval(count)
            records.append(Record("footfall/devices", count, at_ms))
            records.append(Record("footfall/low", low, at_ms))
            records.append(Record("footfall/high", high, at_ms))
            records.append(Record("footfall/frames", frames, at_ms))
        records.append(Record("footfall/window", self._window_ms // 1000, at_ms))
        records.append(Record("footfall/source", "sniffer", at_ms))
        return records

    def _count(self) -> None:
        frame = self._sniffer.frame
        heartbeat = True
        for i in range(_MAC, _MAC_END):
            if frame[i]:
                heartbeat = False
        if heartbeat:
            return
        self._frames += 1
        if frame[_MAC] & _LOCALLY_ADMINISTERED:
            self._sketch.add(frame, _IE_HASH, _IE_HASH_END)
        else:
            self._sketch.add(frame, _MAC, _MAC_END)

    def _judge(self, now_ms: int) -> None:
        if (now_ms - max(self._heard_ms, 0)) & _TICKS_MASK > _SILENT_MS:
            # Moved along, so that it stays silent when the time wraps.
            self._heard_ms = (now_ms - _SILENT_MS - 1) & _TICKS_MASK
            self.health = "silent"
            self._whole = False
        elif self._heard_ms >= 0:
            self.health = "ok"

    def _end_window(self, now_ms: int) -> None:
        if self._whole and self.health == "ok":
            self._result = (now_ms, self._sketch.count(), self._frames)
        self._sketch.clear(self._random_32())
        self._frames = 0
        self._began_ms = now_ms
        self._whole = True
