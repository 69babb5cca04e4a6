"""An MQ-2 in the air of a market: heater, weather, ageing. Pure and seeded.

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
# A sensor that was cold conducts well: it looks like smoke until the heater has burnt it clean
# (guess: two thirds of the way in 40 s; makers ask for 3 minutes), and without heat it hardly
# conducts at all (guess: a thirtieth). It is hot within seconds, cools and gets damp in a minute.
_COLD_FACTOR = 0.15
_WARM_S = 40.0
_UNHEATED_FACTOR = 30.0
_HEAT_S = 4.0
_COOL_S = 15.0
_DAMP_S = 60.0
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
    """The sensing resistance over time; `heater_on` may be switched at any time."""

    def __init__(self, seed: int, r0_ohm: float = 10_000.0, age_s: float = 30 * _DAY_S) -> None:
        """`r0_ohm` in clean air at 20 C and 65 %; `age_s` of heating behind it."""
        self._random = random.Random(seed)
        self._r0_ohm = r0_ohm
        self._age_s = age_s
        self.heater_on = True
        self._heat = 0.0
        self._damp = 1.0
        self._walk = 0.0
        self._seen_ppm = 0.0

    def power_on(self) -> None:
        """Heating begins anew: the sensor is cold."""
        self.heater_on = True
        self._heat = 0.0
        self._damp = 1.0

    def step(self, seconds: float, air: Air) -> float:
        """The resistance in ohm after `seconds` more in this air."""
        if self.heater_on:
            self._age_s += seconds
            self._heat += (1 - self._heat) * (1 - math.exp(-seconds / _HEAT_S))
            self._damp *= math.exp(-seconds / _WARM_S)
        else:
            self._heat *= math.exp(-seconds / _COOL_S)
            self._damp += (1 - self._damp) * (1 - math.exp(-seconds / _DAMP_S))
        self._walk += self._random.gauss(0, _WALK_PER_SQRT_DAY * math.sqrt(seconds / _DAY_S))
        # The gas has to get through the mesh: about 5 s to two thirds (data sheet: response 10 s).
        self._seen_ppm += (air.ppm - self._seen_ppm) * (1 - math.exp(-seconds / 5.0))
        drift = math.exp(self._walk + _TREND_PER_YEAR * self._age_s / _YEAR_S)
        cold = (1 - (1 - _COLD_FACTOR) * self._damp) * _UNHEATED_FACTOR ** (1 - self._heat)
        raw = 1 - (1 - _RAW_FACTOR) * math.exp(-self._age_s / _BURN_IN_S)
        noise = self._random.gauss(1, _NOISE)
        clean_ohm = self._r0_ohm * drift * cold * raw * weather_factor(air.temp_c, air.rh_percent)
        return float(clean_ohm * smoke_factor(self._seen_ppm) * noise)


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
