"""The only place that asks the time: uptime that never wraps and wall time from the gateway."""

import time

from micropython import const

from haidang_node import log

# time.ticks_ms() of the ESP32 wraps at 2**30 ms = 12.4 days (MICROPY_PY_TIME_TICKS_PERIOD).
_TICKS_MASK = const((1 << 30) - 1)
# An answer that took longer says too little about now; the next question asks again.
_ROUND_TRIP_LIMIT_MS = const(2000)
# A round trip this short needs no better one; else up to four in a row, and the shortest counts.
_GOOD_ROUND_TRIP_MS = const(60)
_QUESTIONS = const(4)
_UNANCHORED_MS = const(30000)
_REFRESH_MS = const(3600000)
# 1 ms in 2 s is 500 ppm: far above a crystal's 40 ppm, far below what a rule could notice.
_SLEW_MS = const(2000)
# A crystal needs 8 days for this: the gateway's own clock was wrong, before or now.
_STEP_MS = const(30000)
# In 2096; later times would soon not fit a pack any more.
_LATEST_UNIX_MS = 4000000000000
_LOG = log.Log("clock")


class Clock:
    """Uptime since construction and, once anchored, Unix time; integers only.

    `ticks` is the board's own wrapping millisecond counter. `uptime_ms()` must be called at least
    once in 12 days, or a wrap goes unseen. Corrections are slewed at 500 ppm, so stamps of rising
    uptimes never go back; only one of more than 30 s, told twice, is a step (counted in `steps`).
    """

    def __init__(self, ticks) -> None:
        self._ticks = ticks
        self._last_ticks = ticks()
        self._zero_ticks = self._last_ticks
        self._uptime_ms = 0
        # Unix time less uptime at _since_ms, and what is still to be slewed from there on.
        self._offset_ms = None
        self._since_ms = 0
        self._slew_ms = 0
        self._nonce = 0
        self._asked_ms = -1
        self._questions = 0
        self._due_ms = 0
        # Of this round's answers: the shortest round trip and the offset it gave.
        self._round_trip_ms = -1
        self._measured_ms = 0
        # A step that one round asked for and the next one must confirm.
        self._doubted_ms = None
        self.steps = 0

    def uptime_ms(self) -> int:
        """Milliseconds since the boot began."""
        ticks = self._ticks()
        self._uptime_ms += (ticks - self._last_ticks) & _TICKS_MASK
        self._last_ticks = ticks
        return self._uptime_ms

    def ticks_ms(self) -> int:
        """The uptime's lowest 30 bits: for sampling, which must not allocate. A later uptime is
        an object on a 32-bit chip's heap, from 12.4 days on.
        """
        return (self._ticks() - self._zero_ticks) & _TICKS_MASK

    def uptime_of(self, ticks_ms: int) -> int:
        """The uptime of a ticks_ms() that is less than 12 days old."""
        now_ms = self.uptime_ms()
        return now_ms - ((now_ms - ticks_ms) & _TICKS_MASK)

    def go_on(self, slept_ms: int) -> None:
        """Adds what passed of this boot before construction: the time before a deep sleep and in
        it. To be called before anything else.
        """
        self._uptime_ms += slept_ms
        self._zero_ticks = (self._zero_ticks - slept_ms) & _TICKS_MASK

    def unix_ms(self, up_ms: int) -> int | None:
        """The wall time of an uptime; None while the clock has no anchor."""
        if self._offset_ms is None:
            return None
        return up_ms + self._offset_ms + self._slewed(up_ms)

    def due(self, now_ms: int) -> bool:
        """Whether a question should be asked now; call about every second while connected."""
        if now_ms < self._due_ms:
            return False
        if self._questions >= _QUESTIONS:
            self._conclude(now_ms)
        return now_ms >= self._due_ms

    def question(self) -> dict:
        """The next time request; only an answer with its nonce counts."""
        now_ms = self.uptime_ms()
        self._nonce += 1
        self._questions += 1
        self._asked_ms = now_ms
        self._due_ms = now_ms + _ROUND_TRIP_LIMIT_MS
        return {"nonce": self._nonce, "up_ms": now_ms}

    def answer(self, nonce: int, unix_ms: int) -> bool:
        """Takes an answer; False where it is not to the last question, came late or is no time:
        one that fits no pack would cost every pack.
        """
        if not isinstance(unix_ms, int) or not 0 < unix_ms < _LATEST_UNIX_MS:
            return False
        now_ms = self.uptime_ms()
        round_trip_ms = now_ms - self._asked_ms
        if nonce != self._nonce or self._asked_ms < 0 or round_trip_ms > _ROUND_TRIP_LIMIT_MS:
            return False
        self._asked_ms = -1
        if not 0 <= self._round_trip_ms <= round_trip_ms:
            self._round_trip_ms = round_trip_ms
            self._measured_ms = unix_ms + round_trip_ms // 2 - now_ms
        if self._round_trip_ms <= _GOOD_ROUND_TRIP_MS or self._questions >= _QUESTIONS:
            self._conclude(now_ms)
        else:
            self._due_ms = now_ms
        return True

    def _slewed(self, up_ms: int) -> int:
        passed = max(0, up_ms - self._since_ms) // _SLEW_MS
        return min(self._slew_ms, passed) if self._slew_ms > 0 else -min(-self._slew_ms, passed)

    def _conclude(self, now_ms: int) -> None:
        # Ends a round of questions, with or without an answer.
        self._questions = 0
        self._asked_ms = -1
        round_trip_ms, self._round_trip_ms = self._round_trip_ms, -1
        if round_trip_ms < 0:
            self._due_ms = now_ms + (_UNANCHORED_MS if self._offset_ms is None else _REFRESH_MS)
            return
        self._due_ms = now_ms + _REFRESH_MS
        if self._offset_ms is None:
            self._anchor(now_ms, self._measured_ms)
            _LOG.info("the clock is set: %d", now_ms + self._measured_ms)
            return
        self._offset_ms += self._slewed(now_ms)
        self._since_ms = now_ms
        off_ms = self._measured_ms - self._offset_ms
        if -_STEP_MS <= off_ms <= _STEP_MS:
            self._doubted_ms = None
            # The answer was given some time within its round trip: only what lies outside counts.
            slack_ms = round_trip_ms // 2
            self._slew_ms = max(0, off_ms - slack_ms) + min(0, off_ms + slack_ms)
        else:
            self._doubt(now_ms, off_ms)

    def _doubt(self, now_ms: int, off_ms: int) -> None:
        doubted_ms, self._doubted_ms = self._doubted_ms, self._measured_ms
        if doubted_ms is None or abs(doubted_ms - self._measured_ms) > _ROUND_TRIP_LIMIT_MS:
            self._due_ms = now_ms + _UNANCHORED_MS
            return
        self._doubted_ms = None
        self.steps += 1
        self._anchor(now_ms, self._measured_ms)
        _LOG.warning("the gateway's time differs by %d ms: the clock was stepped", off_ms)

    def _anchor(self, now_ms: int, offset_ms: int) -> None:
        self._offset_ms = offset_ms
        self._since_ms = now_ms
        self._slew_ms = 0


def system_clock() -> Clock:
    """The clock of this board."""
    return Clock(time.ticks_ms)
