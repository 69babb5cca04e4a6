"""What an ultrasonic level meter hears over a street. Pure and seeded.

The nearest thing in the beam answers first. Chances and sizes are guesses from reports of the
field (cars, people, rain, webs and dew on FloodNet's and others' meters); each is its own model.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Protocol

from haidang_board.physics_water import DayHeat, Water, sound_m_s

# A02YYUW: blind below 30 mm, range 7.5 m; one number per millimetre.
_NEAREST_MM = 30
_FARTHEST_MM = 7500
# A meter without compensation reckons with one speed; which temperature that is differs by maker.
_ASSUMED_C = 25.0
# Noise grows with distance, echoes get lost now and then (guesses; data sheet: 1 cm + 0.3 %).
_NOISE_MM = 0.8
_NOISE_PART = 0.0006
_LOST = 0.004
_TWICE = 0.002


class Thing(Protocol):
    """Something in the beam that answers before the street does."""

    def top_mm(self, time_s: float, chance: random.Random) -> float:
        """How high above the street it answers at this ping; 0 where it does not."""


class Veil(Protocol):
    """Something near the meter that answers or swallows single pings."""

    def ping(self, time_s: float, mount_mm: int, chance: random.Random) -> float | None:
        """The distance of its own echo in mm, 0 where it swallows the ping, None if neither."""


@dataclass(slots=True, frozen=True)
class ParkedCar:
    """A roof under the meter; while it drives in and out, bonnet and boot pass."""

    begin_s: float
    end_s: float
    roof_mm: float = 1450.0

    def top_mm(self, time_s: float, chance: random.Random) -> float:
        """The roof; for two seconds at both ends the lower bonnet."""
        if not self.begin_s <= time_s < self.end_s:
            return 0.0
        edge_s = min(time_s - self.begin_s, self.end_s - time_s)
        if edge_s < 2.0:
            return self.roof_mm * 0.62 + chance.gauss(0, 15)
        return self.roof_mm


class Passers:
    """People who walk through the beam, some who stop and talk; fidgeting tops."""

    def __init__(self, seed: int, begin_s: float, end_s: float, per_minute: float) -> None:
        chance = random.Random(seed)
        self._visits: list[tuple[float, float, float]] = []
        at_s = begin_s
        while True:
            at_s += chance.expovariate(per_minute / 60.0)
            if at_s >= end_s:
                break
            stays_s = chance.uniform(0.5, 2.5)
            if chance.random() < 0.06:
                stays_s = chance.lognormvariate(math.log(45), 1.0)
            self._visits.append((at_s, at_s + stays_s, chance.gauss(1550, 130)))
        self._next = 0
        self._here: list[tuple[float, float, float]] = []

    def top_mm(self, time_s: float, chance: random.Random) -> float:
        """The highest head or shoulder; ask with rising time."""
        while self._next < len(self._visits) and self._visits[self._next][0] <= time_s:
            self._here.append(self._visits[self._next])
            self._next += 1
        if not self._here:
            return 0.0
        self._here = [visit for visit in self._here if visit[1] > time_s]
        if not self._here or chance.random() < 0.15:
            return 0.0
        shoulder_mm = 280.0 if chance.random() < 0.35 else 0.0
        return max(visit[2] for visit in self._here) - shoulder_mm + chance.gauss(0, 12)


@dataclass(slots=True, frozen=True)
class Rain:
    """Drops near the meter answer; heavy rain swallows."""

    begin_s: float
    end_s: float
    mm_per_h: float

    def ping(self, time_s: float, mount_mm: int, chance: random.Random) -> float | None:
        """Up to a third of the pings are a drop's at 100 mm/h; it comes in gusts."""
        if not self.begin_s <= time_s < self.end_s:
            return None
        gust = 0.6 + 0.4 * math.sin(time_s / 47.0)
        drawn = chance.random()
        if drawn < 0.0033 * self.mm_per_h * gust:
            return chance.uniform(_NEAREST_MM, mount_mm * 0.8)
        return 0.0 if drawn > 1 - 0.001 * self.mm_per_h else None


@dataclass(slots=True, frozen=True)
class Web:
    """A spider builds before the meter: threads answer now and then, later most of the time."""

    begin_s: float
    full_s: float
    near_mm: float = 260.0

    def ping(self, time_s: float, mount_mm: int, chance: random.Random) -> float | None:
        """From none at begin_s to nine of ten at full_s; the wind moves it, the spider sits."""
        grown = min(max((time_s - self.begin_s) / (self.full_s - self.begin_s), 0.0), 1.0)
        if grown == 0.0 or chance.random() >= 0.9 * grown * grown:
            return None
        sways_mm = 25.0 * math.sin(time_s / 1.9) * math.sin(time_s / 311.0)
        return self.near_mm + sways_mm + chance.gauss(0, 6)


@dataclass(slots=True, frozen=True)
class Frost:
    """Frost or dew on the membrane: it rings on, the street's echo gets weak."""

    begin_s: float
    end_s: float

    def ping(self, time_s: float, mount_mm: int, chance: random.Random) -> float | None:
        """At its worst in the middle: half the pings ring near, a third of them is lost."""
        if not self.begin_s <= time_s < self.end_s:
            return None
        thick = math.sin(math.pi * (time_s - self.begin_s) / (self.end_s - self.begin_s))
        drawn = chance.random()
        if drawn < 0.5 * thick:
            return 45 + chance.expovariate(1 / 60.0)
        return 0.0 if drawn > 1 - 0.33 * thick else None


@dataclass(slots=True)
class Scene:
    """A street with everything on it."""

    water: Water
    heat: DayHeat
    mount_mm: int = 3000
    things: list[Thing] = field(default_factory=list)
    veils: list[Veil] = field(default_factory=list)


class Meter:
    """Pings at a scene; a meter without compensation unless `compensated`."""

    def __init__(self, seed: int, scene: Scene, compensated: bool = False) -> None:
        self._chance = random.Random(seed)
        self.scene = scene
        self._compensated = compensated

    def told_mm(self, time_s: float) -> int:
        """The distance it says for one ping; 0 where no echo came. Ask with rising time."""
        scene = self.scene
        chance = self._chance
        for veil in scene.veils:
            near_mm = veil.ping(time_s, scene.mount_mm, chance)
            if near_mm is not None:
                return self._number(near_mm, time_s) if near_mm else 0
        top_mm = scene.water.surface_mm(time_s)
        for thing in scene.things:
            top_mm = max(top_mm, thing.top_mm(time_s, chance))
        distance_mm = scene.mount_mm - top_mm
        drawn = chance.random()
        if drawn < _LOST:
            return 0
        return self._number(distance_mm * 2 if drawn > 1 - _TWICE else distance_mm, time_s)

    def _number(self, distance_mm: float, time_s: float) -> int:
        noise_mm = _NOISE_MM + _NOISE_PART * distance_mm
        heard_mm = distance_mm + self._chance.gauss(0, noise_mm)
        if not self._compensated:
            heard_mm *= sound_m_s(_ASSUMED_C) / sound_m_s(self.scene.heat.temp_c(time_s))
        return round(heard_mm) if _NEAREST_MM < heard_mm <= _FARTHEST_MM else 0
