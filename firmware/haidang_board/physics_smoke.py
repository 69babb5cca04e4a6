"""An MQ-2 in the air of a market: heater, weather, ageing, and what drifts past. Pure and seeded.

A model, not a measured sensor: shapes and sizes follow the data sheet (Hanwei MQ-2, figures 2 to
5) and the field; every number that is a guess says so.
"""

import math
import random
from dataclasses import dataclass

# Data sheet, figure 2: smoke lowers Rs by a power law; clean air is the upper end.
_KNEE_PPM = 200.0
_SLOPE = 0.6
# Data sheet, figure 4, fitted: a parabola in temperature, a line in humidity; 1 at 20 C, 65 %.
_TEMP_SQUARE = 0.00035
_TEMP_LINE = 0.02718
_TEMP_BASE = 1.39538
_HUMIDITY_LINE = 0.0018
_HUMIDITY_BASE = 33.0
# A cold sensor conducts well: it looks like smoke until the heater has burnt it clean (guess: two
# thirds of the way in 40 s; makers ask for 3 minutes).
_COLD_FACTOR = 0.15
_WARM_S = 40.0
# The first hours of its life (makers ask for 24 h of burn-in; size is a guess).
_RAW_FACTOR = 0.7
_BURN_IN_S = 6 * 3600.0
# Ageing: a slow walk and a trend down (guesses, of the size that reviews of MQ sensors report).
_TREND_PER_YEAR = -0.10
_WALK_PER_SQRT_DAY = 0.01
_NOISE = 0.004
_DAY_S = 86400.0
_YEAR_S = 365 * _DAY_S


@dataclass(slots=True)
class Air:
    """What surrounds the sensor."""

    ppm: float = 0.0
    temp_c: float = 30.0
    rh_percent: float = 70.0


class Mq2:
    """The sensing resistance over time; `step` must be called with rising time."""

    def __init__(self, seed: int, r0_ohm: float = 10_000.0, age_s: float = 30 * _DAY_S) -> None:
        """`r0_ohm` in clean air at 20 C and 65 %; `age_s` of heating behind it."""
        self._random = random.Random(seed)
        self._r0_ohm = r0_ohm
        self._age_s = age_s
        self._heated_s = 0.0
        self._walk = 0.0
        self._seen_ppm = 0.0

    def power_on(self) -> None:
        """Heating begins anew: the sensor is cold."""
        self._heated_s = 0.0

    def step(self, seconds: float, air: Air) -> float:
        """The resistance in ohm after `seconds` more in this air."""
        self._age_s += seconds
        self._heated_s += seconds
        self._walk += self._random.gauss(0, _WALK_PER_SQRT_DAY * math.sqrt(seconds / _DAY_S))
        # The gas has to get through the mesh: about 5 s to two thirds (data sheet: response 10 s).
        self._seen_ppm += (air.ppm - self._seen_ppm) * (1 - math.exp(-seconds / 5.0))
        drift = math.exp(self._walk + _TREND_PER_YEAR * self._age_s / _YEAR_S)
        cold = 1 - (1 - _COLD_FACTOR) * math.exp(-self._heated_s / _WARM_S)
        raw = 1 - (1 - _RAW_FACTOR) * math.exp(-self._age_s / _BURN_IN_S)
        noise = self._random.gauss(1, _NOISE)
        clean_ohm = self._r0_ohm * drift * cold * raw * weather_factor(air.temp_c, air.rh_percent)
        return clean_ohm * smoke_factor(self._seen_ppm) * noise


def smoke_factor(ppm: float) -> float:
    """Rs in smoke over Rs in clean air."""
    return float((1.0 + max(0.0, ppm) / _KNEE_PPM) ** -_SLOPE)


def weather_factor(temp_c: float, rh_percent: float) -> float:
    """Rs at this temperature and humidity over Rs at 20 C and 65 %."""
    return _weather(temp_c, rh_percent) / _weather(20.0, 65.0)


def _weather(temp_c: float, rh_percent: float) -> float:
    at_base = _TEMP_SQUARE * temp_c * temp_c - _TEMP_LINE * temp_c + _TEMP_BASE
    return at_base - _HUMIDITY_LINE * (rh_percent - _HUMIDITY_BASE)


class Weather:
    """Temperature and humidity of a coastal town through days and seasons."""

    def __init__(self, seed: int, mean_c: float = 26.0) -> None:
        """`mean_c` of the year."""
        self._random = random.Random(seed)
        self._mean_c = mean_c
        self._day = -1
        self._of_day_c = 0.0
        self._cloud = 0.5

    def at(self, time_s: float) -> tuple[float, float]:
        """Temperature (C) and relative humidity (%) at a time that rises."""
        day = int(time_s // _DAY_S)
        if day != self._day:
            self._day = day
            self._of_day_c = 0.7 * self._of_day_c + self._random.gauss(0, 1.5)
            self._cloud = self._random.random()
        season_c = 6.0 * math.sin(2 * math.pi * (time_s / _YEAR_S - 0.25))
        hour = (time_s % _DAY_S) / 3600.0
        swing_c = (6.0 - 4.0 * self._cloud) * math.cos(2 * math.pi * (hour - 14.0) / 24.0)
        temp_c = self._mean_c + season_c + self._of_day_c + swing_c
        rh_percent = 78.0 + 14.0 * self._cloud - 2.5 * swing_c
        return min(max(temp_c, 5.0), 45.0), min(max(rh_percent, 25.0), 99.0)


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
    """A day's harmless smoke: grills at meal times, passing motorbikes, incense on some days.

    How much is a guess; a grill 3 m away gives tens of ppm with gusts above a hundred.
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
    return [plume for plume in plumes if plume.begin_s >= 0]


def random_fire(seed: int, begin_s: float) -> Fire:
    """A stall that burns: 300 to 3,000 ppm at the sensor, full after one to eight minutes."""
    chance = random.Random(seed)
    full_ppm = math.exp(chance.uniform(math.log(300), math.log(3000)))
    return Fire(begin_s, full_ppm, chance.uniform(60, 480), 1800.0)
