"""From a meter's single readings to the water's level: blocks, the air, what is in the beam."""

from array import array

from micropython import const

_TICKS_MASK = const((1 << 30) - 1)
# A block of readings gives a level, where at least so many of them lie so close together.
_BLOCK = const(24)
_FIRST_BLOCK = const(12)
_CLUSTER = const(3)
_WIDE_MM = const(40)
# So far below the street are only sounds that went twice.
_BELOW_MM = const(150)
# FloodNet NYC: water rises by no more than 254 mm/min (10 in/min). A level beyond that stands in
# the beam, for as long as it stays there.
_RISE_MM_PER_MIN = const(254)
_STEP_MM = const(50)
_GROWS_MS = const(60000)
# Nothing that drives or walks is lower, so what is lower may be water that rose unseen.
_ROOF_MM = const(700)
# No car stands in water so deep, it floats away (NWS: 12 inches): what is higher is more water.
_AFLOAT_MM = const(300)
_UNSEEN_MS = const(600000)
_UNCOVERED_MM = const(100)
_UNCOVERED_BLOCKS = const(3)
# Water over what stands there goes on rising, evenly, by more than a block is wide.
_OVER_MS = const(120000)
_OVER_MM = const(100)
_DIPS_MM = const(15)
# Longer makes no difference, and times a rise it stays a small integer.
_LONGEST_MS = const(1 << 22)
_DRY_MM = const(25)
_RISEN_MM = const(20)
# The dry street lies at 0; what it seems to be else is the air's doing: with a thermometer the
# sun's on it, without one all of it.
_TRIM_MS = const(600000)
_TRIM_MOST_MM = const(20)
_TRIM_BLIND_MS = const(90000)
_TRIM_BLIND_MOST_MM = const(110)
_ASSUMED_CC = const(2500)


class Gauge:
    """take() each reading, close() each full block. Integers of 30 bits, no allocation.

    level_mm, trim_mm and blind_ms (how long no level was believed) may be set from an earlier
    life, with started. risen: readings in a row well above the level.
    beam: readings are distances from zero_mm above the street, else depths above zero_mm of them.
    air: what knows the temperature, None where nothing does or the meter needs none; sound_cc:
    for which temperature its distances are right, 0 where nobody has found out.
    """

    def __init__(self, zero_mm: int, beam: bool, corrected: bool, air, sound_cc: int) -> None:
        self._zero_mm = zero_mm
        self._beam = beam
        self._air = None if corrected else air
        # Without a thermometer the street itself is one.
        guesses = not corrected and air is None
        self._trims_ms = _TRIM_BLIND_MS if guesses else _TRIM_MS
        self._most_mm = _TRIM_BLIND_MOST_MM if guesses else _TRIM_MOST_MM
        # Speed of sound, in parts of the one that the meter reckons with; 0: not known yet.
        self._reckons = (331300 + 606 * (sound_cc or _ASSUMED_CC) // 100) // 100
        self._factor = 0
        self._sorted = array("i", [0] * _BLOCK)
        self._count = self._readings = 0
        self._block = _FIRST_BLOCK
        self._block_ms = -1
        self.risen = 0
        # What stands in the beam, where it was first seen so, how long nothing was believed.
        self._blocked_mm = self._base_mm = 0
        self._before_ms = self._base_ms = 0
        self._uncovered = self._uncovered_mm = 0
        self._trim_ms = 0
        self.started = False
        self.level_mm = 0
        self.blind_ms = 0
        self.trim_mm = 0

    def take(self, reading_mm: int | None) -> bool:
        """A distance, a depth, or None where there is none; True where the block is full."""
        air = self._air
        if air and air.known:
            if not self._factor:
                # Uncorrected ones do not belong to the same water.
                self._count = 0
            self._factor = (331300 + 606 * air.temp_cc // 100) * 100 // self._reckons
        self._readings += 1
        full = self._readings >= self._block
        if reading_mm is None:
            return full
        level_mm = reading_mm - self._zero_mm
        if self._beam:
            far_mm = (reading_mm * (self._factor or 10000) + 5000) // 10000
            level_mm = self._zero_mm - self.trim_mm - far_mm
            if level_mm < -_BELOW_MM or self._went_twice(level_mm, far_mm):
                return full
        self.risen = self.risen + 1 if level_mm > self.level_mm + _RISEN_MM else 0
        ordered = self._sorted
        place = self._count
        while place > 0 and ordered[place - 1] > level_mm:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = level_mm
        self._count += 1
        return full

    def close(self, now_ms: int) -> bool:
        """The end of a block: True where level_mm is a new one."""
        if self._block_ms >= 0:
            passed_ms = (now_ms - self._block_ms) & _TICKS_MASK
            self.blind_ms = min(self.blind_ms + passed_ms, _LONGEST_MS)
        self._block_ms = now_ms
        found_mm = self._farthest()
        self._readings = self._count = 0
        self._block = _BLOCK
        if found_mm is None:
            return False
        if self.started and not self._follows(found_mm):
            return False
        self.started = True
        self.blind_ms = self._blocked_mm = self._uncovered = 0
        self.level_mm = found_mm
        if self._beam:
            self._trim(now_ms)
        return True

    def _went_twice(self, level_mm: int, far_mm: int) -> bool:
        # Twice as far as water that was there a moment ago; deep water makes no sudden hole.
        water_mm = self.level_mm
        if level_mm > water_mm - _BELOW_MM or self.blind_ms >= _GROWS_MS:
            return False
        way_mm = level_mm + far_mm - water_mm
        return -2 * _WIDE_MM <= far_mm - 2 * way_mm <= 2 * _WIDE_MM

    def _farthest(self) -> int | None:
        # All false echoes come from nearer: the lowest levels that lie together are the water.
        ordered = self._sorted
        for first in range(self._count - _CLUSTER + 1):
            lowest_mm = ordered[first]
            if ordered[first + _CLUSTER - 1] - lowest_mm <= _WIDE_MM:
                total = 0
                end = first
                while end < self._count and ordered[end] - lowest_mm <= 2 * _WIDE_MM:
                    total += ordered[end]
                    end += 1
                return (total + (end - first) // 2) // (end - first)
        return None

    def _follows(self, found_mm: int) -> bool:
        """Whether water can have come here; the allowance stops growing, a car stays a jump."""
        blind_ms = self.blind_ms
        change_mm = found_mm - self.level_mm
        grown_ms = min(blind_ms, _GROWS_MS)
        if found_mm < _ROOF_MM or self.level_mm >= _AFLOAT_MM:
            unseen_ms = self._before_ms if self._blocked_mm else blind_ms
            grown_ms = max(grown_ms, min(unseen_ms, _UNSEEN_MS))
        if not self._beam or change_mm <= _STEP_MM + grown_ms * _RISE_MM_PER_MIN // 60000:
            return True
        if self._blocked_mm and found_mm < self._blocked_mm - _UNCOVERED_MM:
            # Nothing lies below the water: what shows farther than the thing is water.
            if not -_WIDE_MM <= found_mm - self._uncovered_mm <= _WIDE_MM:
                self._uncovered = 0
            self._uncovered_mm = found_mm
            self._uncovered += 1
            risen_mm = blind_ms * _RISE_MM_PER_MIN // 60000
            return self._uncovered >= _UNCOVERED_BLOCKS and change_mm <= risen_mm
        self._uncovered = 0
        return self._rises_over(found_mm, blind_ms)

    def _rises_over(self, found_mm: int, blind_ms: int) -> bool:
        moved_mm = found_mm - self._blocked_mm
        long_ms = blind_ms - self._base_ms
        if not self._blocked_mm:
            self._before_ms = blind_ms
            moved_mm = -_STEP_MM
        if not -_DIPS_MM <= moved_mm <= _STEP_MM or long_ms > _UNSEEN_MS:
            self._base_mm = found_mm
            self._base_ms = blind_ms
            long_ms = 0
        self._blocked_mm = found_mm
        risen_mm = long_ms * _RISE_MM_PER_MIN // 60000
        return long_ms >= _OVER_MS and _OVER_MM <= found_mm - self._base_mm <= risen_mm

    def _trim(self, now_ms: int) -> None:
        level_mm = self.level_mm
        wet = not -_DRY_MM <= level_mm <= _DRY_MM
        if not wet and (now_ms - self._trim_ms) & _TICKS_MASK < self._trims_ms:
            return
        self._trim_ms = now_ms
        if not wet and not -1 <= level_mm <= 1:
            trim_mm = self.trim_mm + (1 if level_mm > 0 else -1)
            self.trim_mm = max(-self._most_mm, min(self._most_mm, trim_mm))
