"""A candidate for the flood sensor's next form: integers, preallocated, one block in six seconds.

The farthest cluster of a block is the street or the water: all false echoes come from nearer. A
level counts where it follows from the last one; what jumps stands in the beam.
"""

from array import array
from typing import Any

from haidang_board.physics_traces import Ping

from bench import node_pure

_BLOCK = 24
_CLUSTER = 3
_WIDE_MM = 40
_BELOW_MM = 150
_STEP_MM = 50
_RISE_MM_PER_MIN = 254
_GROWS_MS = 60_000
_BLIND_MS = 60_000
_UNCOVERED_BLOCKS = 3
_UNCOVERED_MM = 100
_ASSUMED_CC = 2500
_DRY_MM = 25
_TRIM_MS = 600_000
_TRIM_MOST_MM = 20
_TRIM_BLIND_MS = 90_000
_TRIM_BLIND_MOST_MM = 110


class Candidate:
    """Pings to level and rank; without `probe` the dry street tells the speed of sound."""

    def __init__(self, settings: dict[str, Any], probe: bool = True) -> None:
        self._mount_mm = settings["mount_mm"]
        self._probe = probe
        self._sorted = array("i", [0] * _BLOCK)
        self._count = 0
        self._pings = 0
        self._ladder = node_pure.ladder(
            ("normal", "watch", "warning", "danger"),
            (settings["watch_mm"], settings["warning_mm"], settings["danger_mm"]),
            (2, 2, 2),
            settings["hysteresis_mm"],
            10,
        )
        self._level_mm = 0
        self._started = False
        self._good_ms = 0
        self._blocked_mm = 0
        self._uncovered = 0
        self._uncovered_mm = 0
        self._trim_mm = 0
        self._trim_ms = 0
        self._health = "warming"
        self.rank = 0

    def step(self, now_ms: int, ping: Ping) -> None:
        """One ping."""
        if ping.told_mm:
            self._insert(self._level_of(ping))
        self._pings += 1
        if self._pings == _BLOCK:
            found_mm = self._farthest()
            self._pings = self._count = 0
            if found_mm is not None:
                self._judge(found_mm, now_ms)
            if now_ms - self._good_ms > _BLIND_MS:
                self._health = "stuck"

    def level_mm(self) -> int | None:
        """None while something stands in the beam."""
        return self._level_mm if self._health == "ok" else None

    def _level_of(self, ping: Ping) -> int:
        distance_mm = ping.told_mm
        if self._probe:
            centi_c = round(ping.probe_c * 100)
            # Sound against that at the meter's own temperature, in parts of 10,000.
            part = (331_300 + 606 * centi_c // 100) * 100 // ((331_300 + 606 * 25) // 100)
            distance_mm = (distance_mm * part + 5000) // 10_000
        return int(self._mount_mm - distance_mm - self._trim_mm)

    def _insert(self, level_mm: int) -> None:
        if level_mm < -_BELOW_MM:
            return
        ordered = self._sorted
        place = self._count
        while place > 0 and ordered[place - 1] > level_mm:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = level_mm
        self._count += 1

    def _farthest(self) -> int | None:
        """The mean of the lowest levels that lie together."""
        ordered = self._sorted
        for first in range(self._count - _CLUSTER + 1):
            if ordered[first + _CLUSTER - 1] - ordered[first] <= _WIDE_MM:
                total = members = 0
                for i in range(first, self._count):
                    if ordered[i] - ordered[first] > 2 * _WIDE_MM:
                        break
                    total += ordered[i]
                    members += 1
                return (total + members // 2) // members
        return None

    def _judge(self, found_mm: int, now_ms: int) -> None:
        since_ms = now_ms - self._good_ms
        if self._started and not self._follows(found_mm, since_ms):
            return
        if not self._started and not self._probe and abs(found_mm) <= _TRIM_BLIND_MOST_MM:
            # As after a calibration over the dry street.
            self._trim_mm = found_mm
            found_mm = 0
        self._started = True
        self._health = "ok"
        self._good_ms = now_ms
        self._blocked_mm = self._uncovered = 0
        self._level_mm = found_mm
        self._trim(now_ms)
        self._ladder.sample(self._level_mm)
        self.rank = self._ladder.level

    def _follows(self, found_mm: int, since_ms: int) -> bool:
        """Whether water can have come here; the allowance stops growing, a car stays a jump."""
        change_mm = found_mm - self._level_mm
        allowed_mm = _STEP_MM + min(since_ms, _GROWS_MS) * _RISE_MM_PER_MIN // 60_000
        if change_mm <= allowed_mm:
            return True
        # Nothing lies below the water: what shows farther than the thing in the beam is water.
        if self._blocked_mm and found_mm < self._blocked_mm - _UNCOVERED_MM:
            if abs(found_mm - self._uncovered_mm) > _WIDE_MM:
                self._uncovered = 0
            self._uncovered_mm = found_mm
            self._uncovered += 1
            possible_mm = since_ms // 1000 * _RISE_MM_PER_MIN // 60
            return self._uncovered >= _UNCOVERED_BLOCKS and change_mm <= possible_mm
        self._uncovered = 0
        if not self._blocked_mm or found_mm > self._blocked_mm - _UNCOVERED_MM:
            self._blocked_mm = found_mm
        return False

    def _trim(self, now_ms: int) -> None:
        """The dry street is known to lie at 0: what it seems to be else is the air's doing."""
        if abs(self._level_mm) > _DRY_MM:
            self._trim_ms = now_ms
            return
        every_ms, most_mm = (
            (_TRIM_MS, _TRIM_MOST_MM) if self._probe else (_TRIM_BLIND_MS, _TRIM_BLIND_MOST_MM)
        )
        if now_ms - self._trim_ms < every_ms:
            return
        self._trim_ms = now_ms
        if self._level_mm > 1 and self._trim_mm < most_mm:
            self._trim_mm += 1
        elif self._level_mm < -1 and self._trim_mm > -most_mm:
            self._trim_mm -= 1
