"""The only place that asks the time: uptime that never wraps and wall time from the gateway."""

import time

from micropython import const

# time.ticks_ms() of the ESP32 wraps at 2**30 ms = 12.4 days (MICROPY_PY_TIME_TICKS_PERIOD).
_TICKS_MASK = const((1 << 30) - 1)
# An answer that took longer says too little about now; the next request asks again.
_ROUND_TRIP_LIMIT_MS = const(2000)
# In 2096; later times would soon not fit a pack any more.
_LATEST_UNIX_MS = 4000000000000


class Clock:
    """Uptime since construction and, once anchored, Unix time; integers only.

    `ticks` is the board's own wrapping millisecond counter. `uptime_ms()` must be
    called at least once in 6 days, or a wrap goes unseen.
    """

    def __init__(self, ticks) -> None:
        self._ticks = ticks
        self._last_ticks = ticks()
        self._uptime_ms = 0
        self._offset_ms = None
        self._nonce = 0
        self._asked_up_ms = -1

    def uptime_ms(self) -> int:
        """Milliseconds since the program's start."""
        ticks = self._ticks()
        self._uptime_ms += (ticks - self._last_ticks) & _TICKS_MASK
        self._last_ticks = ticks
        return self._uptime_ms

    def unix_ms(self, up_ms: int) -> int | None:
        """The wall time of an uptime; None while the clock has no anchor."""
        if self._offset_ms is None:
            return None
        return up_ms + self._offset_ms

    def question(self) -> dict:
        """The next time request; a later answer must carry its nonce."""
        self._nonce += 1
        self._asked_up_ms = self.uptime_ms()
        return {"nonce": self._nonce, "up_ms": self._asked_up_ms}

    def answer(self, nonce: int, unix_ms: int) -> bool:
        """Anchors the clock; False where the answer is not to the last question, came late or is
        no time: one that fits no pack would cost every pack.
        """
        if not isinstance(unix_ms, int) or not 0 < unix_ms < _LATEST_UNIX_MS:
            return False
        up_ms = self.uptime_ms()
        round_trip_ms = up_ms - self._asked_up_ms
        if nonce != self._nonce or self._asked_up_ms < 0 or round_trip_ms > _ROUND_TRIP_LIMIT_MS:
            return False
        self._offset_ms = unix_ms + round_trip_ms // 2 - up_ms
        self._asked_up_ms = -1
        return True


def system_clock() -> Clock:
    """The clock of this board."""
    return Clock(time.ticks_ms)
