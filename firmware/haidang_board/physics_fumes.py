"""What drifts past a market's smoke sensor: grills, traffic, incense, fires. Pure and seeded.

How much of it is a guess throughout: concentrations at the sensor, in ppm of what an MQ-2 sees.
"""

import math
import random
from dataclasses import dataclass

_DAY_S = 86400.0
# Votive paper is burnt at dusk on the first and the fifteenth of a lunar month.
_VOTIVE_DAYS = 15


@dataclass(slots=True, frozen=True)
class Plume:
    """Smoke that comes and goes: rises within rise_s, stays, fades within fall_s."""

    begin_s: float
    peak_ppm: float
    rise_s: float
    stay_s: float
    fall_s: float

    @property
    def end_s(self) -> float:
        """When nothing of it is left."""
        return self.begin_s + self.rise_s + self.stay_s + 5 * self.fall_s

    def ppm(self, time_s: float) -> float:
        """Its concentration at the sensor."""
        since_s = time_s - self.begin_s
        if since_s < 0 or time_s > self.end_s:
            return 0.0
        if since_s < self.rise_s:
            return self.peak_ppm * since_s / self.rise_s
        fading_s = since_s - self.rise_s - self.stay_s
        return self.peak_ppm * (math.exp(-fading_s / self.fall_s) if fading_s > 0 else 1.0)


@dataclass(slots=True, frozen=True)
class Fire:
    """A fire that grows with the square of time (NFPA 72's t-squared fires) until it is out."""

    begin_s: float
    full_ppm: float
    growth_s: float
    burns_s: float

    @property
    def end_s(self) -> float:
        """When its smoke is gone."""
        return self.begin_s + self.burns_s + 600.0

    def ppm(self, time_s: float) -> float:
        """Its smoke at the sensor."""
        since_s = time_s - self.begin_s
        if since_s < 0 or time_s > self.end_s:
            return 0.0
        ppm = self.full_ppm * min(1.0, (min(since_s, self.burns_s) / self.growth_s) ** 2)
        gone_s = since_s - self.burns_s
        return ppm * (math.exp(-gone_s / 120.0) if gone_s > 0 else 1.0)


def market_day(seed: int, day: int) -> list[Plume]:
    """A day's harmless smoke at a sensor whose place keeps the distances of its instructions.

    Grills at meal times 3 m away (tens of ppm, gusts above a hundred), kitchens, passing
    motorbikes, incense, and twice a month votive paper in a bin, again 3 m away.
    """
    chance = random.Random(seed * 100_003 + day)
    began_s = day * _DAY_S
    plumes = []
    for hour in (6.5, 11.5, 18.0):
        for _ in range(chance.randrange(2, 7)):
            at_s = began_s + hour * 3600 + chance.uniform(-3600, 5400)
            peak_ppm = min(chance.lognormvariate(math.log(22), 0.6), 150.0)
            plumes.append(
                Plume(at_s, peak_ppm, chance.uniform(10, 90), chance.uniform(30, 900), 60.0)
            )
    for _ in range(chance.randrange(20, 60)):
        at_s = began_s + chance.uniform(5, 22) * 3600
        plumes.append(Plume(at_s, chance.uniform(5, 60), 4.0, chance.uniform(2, 20), 10.0))
    if chance.random() < 0.1:
        at_s = began_s + chance.uniform(8, 19) * 3600
        plumes.append(Plume(at_s, chance.uniform(30, 90), 300.0, 2400.0, 600.0))
    plumes += _kitchen(random.Random(seed * 100_019 + day), began_s)
    if day % _VOTIVE_DAYS == seed % _VOTIVE_DAYS:
        plumes += votive(random.Random(seed * 100_043 + day), began_s, 3.0)
    return [plume for plume in plumes if plume.begin_s >= 0]


def _kitchen(chance: random.Random, began_s: float) -> list[Plume]:
    """Woks: short and steep."""
    plumes = []
    for hour in (7.0, 11.0, 17.5):
        for _ in range(chance.randrange(0, 5)):
            at_s = began_s + hour * 3600 + chance.uniform(0, 5400)
            peak_ppm = min(chance.lognormvariate(math.log(18), 0.5), 90.0)
            plumes.append(Plume(at_s, peak_ppm, 8.0, chance.uniform(20, 240), 30.0))
    return plumes


def votive(chance: random.Random, began_s: float, distance_m: float) -> list[Plume]:
    """Votive paper on one evening; smoke thins out with the distance^1.5 (a guess)."""
    plumes = []
    for _ in range(chance.randrange(1, 5)):
        at_s = began_s + chance.uniform(17, 20) * 3600
        at_3_m_ppm = min(chance.lognormvariate(math.log(45), 0.4), 120.0)
        peak_ppm = at_3_m_ppm * (3.0 / distance_m) ** 1.5
        plumes.append(
            Plume(at_s, peak_ppm, chance.uniform(20, 60), chance.uniform(120, 600), 45.0)
        )
    return plumes


def near_grill(chance: random.Random, began_s: float, distance_m: float) -> list[Plume]:
    """A charcoal grill nearer than the instructions allow: lit in minutes, on for an hour."""
    at_s = began_s + chance.choice((6.0, 10.5, 17.0)) * 3600 + chance.uniform(0, 3600)
    at_3_m_ppm = min(chance.lognormvariate(math.log(22), 0.6), 150.0)
    peak_ppm = at_3_m_ppm * (3.0 / distance_m) ** 1.5
    return [Plume(at_s, peak_ppm, chance.uniform(60, 400), chance.uniform(1200, 5400), 90.0)]


def random_fire(seed: int, begin_s: float) -> Fire:
    """A stall that burns: 300 to 3,000 ppm at the sensor, full after one to eight minutes."""
    chance = random.Random(seed)
    full_ppm = math.exp(chance.uniform(math.log(300), math.log(3000)))
    return Fire(begin_s, full_ppm, chance.uniform(60, 480), 1800.0)
