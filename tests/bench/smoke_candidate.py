"""A candidate for the smoke sensor's next form: integers, a baseline learnt in quiet air alone.

Alarm on the ratio to the baseline AND on its fall, or on a deep ratio that stays.
"""

from typing import Any

_SUPPLY_MV = 5000
_SCALE = 10_000
_MINUTE_S = 60
# No fire's smoke stays the same for half an hour: what does is an aged sensor or the weather.
_LONG_QUIET_MIN = 30
# Baselines are kept in 1/256 of a load-permille.
_FINE = 8


class Candidate:
    """Millivolts to alarms, once a second; with `probe` temperature and humidity are taken out."""

    def __init__(self, settings: dict[str, Any], probe: bool = True, low: int = 660) -> None:
        self._low = low
        self._quiet_min = 0
        self._per_r0 = settings["load_ohm"] * _SCALE // settings["r0_ohm"]
        self._probe = probe
        self._baseline = 1000 << _FINE
        self._started = False
        self._least = 1 << 20
        self._greatest = 0
        self._sum = 0
        self._second = 0
        self._last = self._before = 0
        # Ratios of the last minutes, one each 20 s, for the slope.
        self._past = [1000] * 9
        self._past_at = 0
        self._deep_s = 0
        self._low_s = 0
        self._calm_s = 0
        self._alarm = False
        self._pre = False
        self.pre_alarms = 0

    def feed(self, begin_s: int, mv: list[int], centi_c: list[int], rh: list[int]) -> list[int]:
        """The seconds at which an alarm began."""
        began = []
        weather = 1000
        for at, one in enumerate(mv):
            if at % _MINUTE_S == 0 and self._probe:
                weather = _weather_permille(centi_c[at], rh[at])
            before = self._alarm
            self._sample(one, weather)
            if self._alarm and not before:
                began.append(begin_s + at)
        return began

    def _sample(self, mv: int, weather: int) -> None:
        output_mv = mv * 3 // 2
        permille = (_SUPPLY_MV - output_mv) * 1000 // output_mv * self._per_r0 // _SCALE
        permille = permille * 1000 // weather
        a, b = self._before, self._last
        self._before, self._last = b, permille
        value = max(min(a, b), min(max(a, b), permille))
        if not self._started:
            if not a:
                return
            self._started = True
        ratio = (value * 1000 << _FINE) // self._baseline
        self._learn(value, ratio)
        self._decide(ratio)

    def _learn(self, value: int, ratio: int) -> None:
        self._least = min(self._least, value)
        self._greatest = max(self._greatest, value)
        self._sum += value
        self._second += 1
        if self._second % 20 == 0:
            self._past[self._past_at] = ratio
            self._past_at = (self._past_at + 1) % 9
        if self._second < _MINUTE_S:
            return
        mean = self._sum // _MINUTE_S
        # Quiet: no gusts within the minute, and not far below what is known as clean.
        quiet = (self._greatest - self._least) * 1000 < mean * 40
        wanted = mean << _FINE
        gap = wanted - self._baseline
        self._quiet_min = min(self._quiet_min + 1, 255) if quiet else 0
        if gap > 0:
            self._baseline += gap >> 4
        elif quiet and (ratio > 850 or self._quiet_min >= _LONG_QUIET_MIN):
            self._baseline += gap >> (7 if self._probe else 6)
        self._baseline = min(max(self._baseline, 500 << _FINE), 2500 << _FINE)
        self._second = self._sum = self._greatest = 0
        self._least = 1 << 20

    def _decide(self, ratio: int) -> None:
        fell = max(self._past) - ratio
        self._low_s = (
            self._low_s + 1 if ratio <= self._low and fell >= 120 else max(0, self._low_s - 1)
        )
        self._deep_s = self._deep_s + 1 if ratio <= 520 else 0
        pre = ratio <= 720
        if pre and not self._pre:
            self.pre_alarms += 1
        self._pre = pre or (self._pre and ratio < 800)
        if self._low_s >= 10 or self._deep_s >= 30:
            self._alarm = True
            self._calm_s = 0
        elif self._alarm:
            self._calm_s = self._calm_s + 1 if ratio > 800 else 0
            if self._calm_s >= 60:
                self._alarm = False


def _weather_permille(centi_c: int, rh: int) -> int:
    """Rs against 20 C and 65 %, the data sheet's figure 4 as a parabola and a line."""
    base = 1_395_380 - 27_180 * centi_c // 100 + 35 * centi_c * centi_c // 1000
    return (base - 1800 * (rh - 33)) // 934
