"""Temperature and humidity of a street through the hours of a day. Pure; shapes are models."""

import math

_DAY_H = 24.0
_HOUR_S = 3600.0
# Coldest at 5 o'clock, hottest at 14, as in physics_water.
_COLDEST_H, _HOTTEST_H = 5.0, 14.0
# Magnus' formula over water (WMO-No. 8): vapour pressure and its inverse.
_MAGNUS_A, _MAGNUS_B_C = 17.62, 243.12
# At the coldest hour the air is this close to dew; the vapour in it stays the day's (guess).
_MORNING_PCT = 92.0


def day_air(time_s: float, low_c: float, high_c: float) -> tuple[float, float]:
    """Temperature (C) and relative humidity (%) at a time of day, 0 being midnight."""
    hour = time_s / _HOUR_S % _DAY_H
    if _COLDEST_H <= hour < _HOTTEST_H:
        part = 0.5 - 0.5 * math.cos(math.pi * (hour - _COLDEST_H) / (_HOTTEST_H - _COLDEST_H))
    else:
        night_h = _DAY_H - _HOTTEST_H + _COLDEST_H
        part = 0.5 + 0.5 * math.cos(math.pi * ((hour - _HOTTEST_H) % _DAY_H) / night_h)
    temp_c = low_c + (high_c - low_c) * part
    return temp_c, humidity_pct(temp_c, low_c, _MORNING_PCT)


def humidity_pct(temp_c: float, at_c: float, at_pct: float) -> float:
    """The same air at another temperature: it was `at_pct` humid at `at_c`."""
    return min(100.0, at_pct * _vapour(at_c) / _vapour(temp_c))


def _vapour(temp_c: float) -> float:
    return math.exp(_MAGNUS_A * temp_c / (_MAGNUS_B_C + temp_c))
