"""A peer: the filter that this project's node had first. Median of 7 pings, jumps wait 3 s."""

import statistics
from collections import deque
from collections.abc import Sequence
from typing import Any

from haidang_board.physics_traces import Ping

from bench import node_pure

_PINGS = 7
_NOISE_MM = 10
_RISE_MM_PER_MIN = 254
_GROWS_MS = 60_000
_JUMP_MS = 3000
_SILENT_MS = 3000


class MedianFilter:
    """Any jump is believed when it lasts for three seconds; no correction by temperature."""

    def __init__(self, mount_mm: int, thresholds: Sequence[int], hysteresis_mm: int) -> None:
        self._mount_mm = mount_mm
        self._pings: deque[int] = deque(maxlen=_PINGS)
        self._ladder: Any = node_pure.ladder(
            ("normal", "watch", "warning", "danger"),
            tuple(thresholds),
            (4, 4, 4),
            hysteresis_mm,
            40,
        )
        self._level_mm: int | None = None
        self._moved_ms = 0
        self._jump_ms: int | None = None
        self._heard_ms = 0
        self.rank = 0

    def step(self, now_ms: int, ping: Ping) -> None:
        """One ping."""
        if ping.told_mm:
            self._heard_ms = now_ms
            self._pings.append(self._mount_mm - ping.told_mm)
        if now_ms - self._heard_ms > _SILENT_MS:
            self._pings.clear()
        elif ping.told_mm and len(self._pings) == _PINGS:
            self._measure(int(statistics.median(self._pings)), now_ms)

    def level_mm(self) -> int | None:
        """The last one believed."""
        return self._level_mm if len(self._pings) == _PINGS else None

    def _measure(self, level_mm: int, now_ms: int) -> None:
        if self._level_mm is not None:
            still_ms = min(now_ms - self._moved_ms, _GROWS_MS)
            allowed_mm = _NOISE_MM + still_ms * _RISE_MM_PER_MIN // 60_000
            if abs(level_mm - self._level_mm) > allowed_mm:
                if self._jump_ms is None:
                    self._jump_ms = now_ms
                if now_ms - self._jump_ms < _JUMP_MS:
                    return
        self._jump_ms = None
        self._moved_ms = now_ms
        self._level_mm = level_mm
        self._ladder.sample(level_mm)
        self.rank = self._ladder.level
