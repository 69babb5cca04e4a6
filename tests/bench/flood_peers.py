"""Other filters on the same pings: FloodNet's as published, and the median the node had first."""

import statistics
from collections import deque
from collections.abc import Sequence

from haidang_board.physics_traces import Ping

_PINGS = 7
_NOISE_MM = 10
_RISE_MM_PER_MIN = 254
_GROWS_MS = 60_000
_JUMP_MS = 3000
_SILENT_MS = 3000


class FloodNet:
    """Each minute the median of 7 pings 250 ms apart; noise floor, range, gradient limit.

    From its published description: depths up to 10 mm are 0, beyond the mount none; one that rose
    more than 254 mm in a minute above the last accepted depth is dropped.
    """

    _PERIOD_STEPS = 240
    _READINGS = 7
    _NOISE_MM = 10
    _GRADIENT_MM = 254

    def __init__(self, mount_mm: int, thresholds: Sequence[int]) -> None:
        self._mount_mm = mount_mm
        self._thresholds = thresholds
        self._readings: list[int] = []
        self._step = 0
        self._depth_mm: int | None = None
        self._valid = False
        self.rank = 0

    def step(self, now_ms: int, ping: Ping) -> None:
        """One ping; the first seven of each minute count."""
        at = self._step % self._PERIOD_STEPS
        self._step += 1
        if at < self._READINGS:
            if ping.told_mm:
                self._readings.append(ping.told_mm)
            if at == self._READINGS - 1 and self._readings:
                self._take(self._mount_mm - int(statistics.median(self._readings)))
                self._readings.clear()

    def level_mm(self) -> int | None:
        """The last depth, None where the newest was dropped."""
        return self._depth_mm if self._valid else None

    def _take(self, depth_mm: int) -> None:
        if depth_mm <= self._NOISE_MM:
            depth_mm = 0
        last_mm = self._depth_mm
        self._valid = last_mm is None or depth_mm - last_mm <= self._GRADIENT_MM
        if self._valid:
            self._depth_mm = depth_mm
            self.rank = sum(depth_mm >= threshold for threshold in self._thresholds)


class MedianFilter:
    """Median of 7 pings; a jump that lasts for three seconds is believed; no sound correction."""

    def __init__(self, mount_mm: int, thresholds: Sequence[int], hysteresis_mm: int) -> None:
        self._mount_mm = mount_mm
        self._pings: deque[int] = deque(maxlen=_PINGS)
        self._ladder = Ladder(
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


class Ladder:
    """States in rising order of danger over one rising value.

    names: the states, least dangerous first; thresholds[i] leads into names[i + 1].
    needed[i]: that many samples in a row at or above thresholds[i] before the state rises there.
    hysteresis: a state is left only when the value falls this far below its threshold, for
    `calm` samples in a row.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        thresholds: tuple[int, ...],
        needed: tuple[int, ...],
        hysteresis: int,
        calm: int,
    ) -> None:
        self._names = names
        self._thresholds = thresholds
        self._needed = needed
        self._hysteresis = hysteresis
        self._calm_needed = calm
        self._above = bytearray(len(thresholds))
        self._calm = 0
        self._level = 0

    @property
    def name(self) -> str:
        """The present state."""
        return self._names[self._level]

    @property
    def level(self) -> int:
        """Its place in `names`."""
        return self._level

    def sample(self, value: int) -> bool:
        """Takes one value; True where the state changed. Allocates nothing."""
        before = self._level
        reached = 0
        for i in range(len(self._thresholds)):
            if value >= self._thresholds[i]:
                self._above[i] = min(self._above[i] + 1, 255)
                if self._above[i] >= self._needed[i]:
                    reached = i + 1
            else:
                self._above[i] = 0
        if reached > self._level:
            self._level = reached
            self._calm = 0
        else:
            self._fall(value)
        return self._level != before

    def force(self, level: int) -> bool:
        """Sets a state from another source, such as a relay contact; True where it changed."""
        changed = level != self._level
        self._level = level
        self._calm = 0
        return changed

    def _fall(self, value: int) -> None:
        if self._level == 0 or value >= self._thresholds[self._level - 1] - self._hysteresis:
            self._calm = 0
            return
        self._calm += 1
        if self._calm < self._calm_needed:
            return
        self._calm = 0
        while self._level and value < self._thresholds[self._level - 1] - self._hysteresis:
            self._level -= 1
