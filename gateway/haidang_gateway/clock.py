"""The gateway's only source of time: wall time that never steps while the process runs."""

import time


class Clock:
    """Wall time at the start plus the monotonic clock, so a set-back wall clock moves no timer."""

    def __init__(self) -> None:
        """Take the anchor once."""
        self._offset_ms = time.time_ns() // 1_000_000 - self.monotonic_ms()

    def monotonic_ms(self) -> int:
        """Milliseconds since an arbitrary start; for durations."""
        return time.monotonic_ns() // 1_000_000

    def now_ms(self) -> int:
        """Unix milliseconds, steady for the life of the process."""
        return self._offset_ms + self.monotonic_ms()

    def stepped_ms(self) -> int:
        """How far the machine's wall clock was set since the start; 0 but for rounding if not.

        A Raspberry Pi without a battery clock starts with an old time and is set by NTP later.
        """
        return time.time_ns() // 1_000_000 - self.now_ms()
