"""Water and air over a street: tide, runoff, waves, the day's temperature. Pure and seeded.

Models, not measured places: sizes follow reports of the field; what is a guess says so.
"""

import math
import random
from dataclasses import dataclass, field

_DAY_S = 86400.0
# The principal lunar tide.
_TIDE_S = 12.42 * 3600.0
# Clouds pass within about a quarter of an hour (guess).
_CLOUD_S = 900.0
# A shielded probe follows the air with a delay of minutes and is warmed by the sun (guesses of
# the size that makers of small radiation shields state).
_PROBE_LAG_S = 480.0
_PROBE_SUN_C = 1.5
_PROBE_BIAS_C = 0.4


def sound_m_s(temp_c: float) -> float:
    """Speed of sound in air."""
    return 331.3 + 0.606 * temp_c


@dataclass(slots=True, frozen=True)
class Tide:
    """A canal's or a street's water that comes and goes twice a day; below 0 it is dry."""

    mean_mm: float
    half_range_mm: float
    high_s: float = 0.0

    def mm(self, time_s: float) -> float:
        """Its level above the street, negative where the street lies dry."""
        phase = 2 * math.pi * (time_s - self.high_s) / _TIDE_S
        return self.mean_mm + self.half_range_mm * math.cos(phase)


@dataclass(slots=True, frozen=True)
class Runoff:
    """Rain that the drains do not take: rises (as an S), stays, drains away."""

    begin_s: float
    peak_mm: float
    rise_s: float = 1200.0
    stay_s: float = 1800.0
    drain_s: float = 2400.0

    def mm(self, time_s: float) -> float:
        """Its depth on the street."""
        since_s = time_s - self.begin_s
        if since_s <= 0:
            return 0.0
        if since_s < self.rise_s:
            part = since_s / self.rise_s
            return self.peak_mm * part * part * (3 - 2 * part)
        draining_s = since_s - self.rise_s - self.stay_s
        return self.peak_mm * (math.exp(-draining_s / self.drain_s) if draining_s > 0 else 1.0)


class Waves:
    """Ripples and the wakes of what drives through; nothing on a dry street."""

    def __init__(self, seed: int, height_mm: float) -> None:
        """`height_mm` is the amplitude on deep water."""
        chance = random.Random(seed)
        self._height_mm = height_mm
        self._parts = [
            (2 * math.pi / chance.uniform(0.7, 4.0), chance.uniform(0, 2 * math.pi), part)
            for part in (0.5, 0.3, 0.2)
        ]

    def mm(self, time_s: float, depth_mm: float) -> float:
        """Above the still water; no wave is higher than a third of the depth."""
        height_mm = min(self._height_mm, depth_mm / 3)
        if height_mm <= 0:
            return 0.0
        return height_mm * sum(
            part * math.sin(speed * time_s + phase) for speed, phase, part in self._parts
        )


@dataclass(slots=True)
class Water:
    """All water of one street; `level_mm` is the ground truth, `surface_mm` what sound meets."""

    tide: Tide | None = None
    runoffs: list[Runoff] = field(default_factory=list)
    waves: Waves | None = None

    def level_mm(self, time_s: float) -> float:
        """Still water above the street, 0 where it is dry."""
        level_mm = max(0.0, self.tide.mm(time_s)) if self.tide else 0.0
        for runoff in self.runoffs:
            level_mm += runoff.mm(time_s)
        return level_mm

    def surface_mm(self, time_s: float) -> float:
        """The surface with its waves."""
        level_mm = self.level_mm(time_s)
        return level_mm + (self.waves.mm(time_s, level_mm) if self.waves else 0.0)


class DayHeat:
    """Air temperature between two extremes each day, clouds, and rain that cools."""

    def __init__(
        self, seed: int, low_c: float = 24.0, high_c: float = 34.0, rain: Runoff | None = None
    ) -> None:
        """With `rain` the air loses up to 7 C while its runoff rises (guess)."""
        self._seed = seed
        self._low_c = low_c
        self._high_c = high_c
        self._rain = rain
        self._cloud_step = -1
        self._cloud = (0.0, 0.0)

    def temp_c(self, time_s: float) -> float:
        """Coldest at 5 o'clock, hottest at 14."""
        hour = time_s % _DAY_S / 3600.0
        if 5 <= hour < 14:
            part = 0.5 - 0.5 * math.cos(math.pi * (hour - 5) / 9)
        else:
            part = 0.5 + 0.5 * math.cos(math.pi * ((hour - 14) % 24) / 15)
        swing_c = self._high_c - self._low_c
        temp_c = self._low_c + swing_c * part * (1 - 0.1 * self._clouds(time_s))
        if self._rain is not None:
            since_s = time_s - self._rain.begin_s + 600
            temp_c -= min(max(since_s / 1200.0, 0.0), 1.0) * min(7.0, swing_c / 2)
        return temp_c

    def sun(self, time_s: float) -> float:
        """0 at night to 1 at noon, less under clouds."""
        hour = time_s % _DAY_S / 3600.0
        return max(0.0, math.sin(math.pi * (hour - 6) / 12)) * (1 - self._clouds(time_s))

    def _clouds(self, time_s: float) -> float:
        step = int(time_s // _CLOUD_S)
        if step != self._cloud_step:
            self._cloud_step = step
            self._cloud = (_cloud(self._seed, step), _cloud(self._seed, step + 1))
        part = time_s / _CLOUD_S - step
        return self._cloud[0] * (1 - part) + self._cloud[1] * part


def _cloud(seed: int, step: int) -> float:
    return random.Random(seed * 1_000_003 + step).random()


class Probe:
    """A thermometer in a small shield beside the meter; ask it with rising time."""

    def __init__(self, seed: int, heat: DayHeat) -> None:
        self._heat = heat
        self._bias_c = random.Random(seed).gauss(0, _PROBE_BIAS_C)
        self._told_c: float | None = None
        self._at_s = 0.0

    def temp_c(self, time_s: float) -> float:
        """What it says: late, a little off, warmed by the sun."""
        felt_c = self._heat.temp_c(time_s) + self._bias_c
        felt_c += _PROBE_SUN_C * self._heat.sun(time_s)
        if self._told_c is None:
            self._told_c = felt_c
        follows = 1 - math.exp(-(time_s - self._at_s) / _PROBE_LAG_S)
        self._told_c += (felt_c - self._told_c) * follows
        self._at_s = time_s
        return self._told_c
