"""The smoke sensor over 200 simulated days without fire, and 50 fires: false alarms, delays.

Beside it plain thresholds on the ADC, as most MQ libraries do, and a ratio to a fixed clean-air
resistance. Four sensors of unlike age live 50 days each; fires are fed to copies of what each had
become by then. No threshold was chosen on the seeds of these sensors.
"""

import copy
import math
import random
import statistics
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from haidang_board import physics_fumes, physics_smoke
from haidang_board.physics_fumes import Plume
from haidang_board.physics_smoke import Weather
from numpy.typing import NDArray

from bench import node_pure, parts, smoke_power, smoke_quiet
from bench.smoke_fixed import FixedRatio, Plain

_DAY_S = 86400
_DAYS = 50
# Days since the calibration at which the four sensors are met.
_AGES_DAYS = (0, 100, 200, 300)
_FIRES = 50
# Thresholds were chosen on sensors 1 to 8.
_FIRST_SEED = 21
# Weather and walk move slowly: one point a minute, straight lines between.
_SLOW_S = 60
_LAG_TAPS = 100
# The reference wiring: 5 V, load resistor, divider 2:3, ADC noise of 2 mV.
_SUPPLY_MV = 5000.0
_LOAD_OHM = 5000.0
_R0_OHM = 10000.0
_DIVIDER = 2 / 3
_ADC_NOISE_MV = 2.0
# Alarms that follow within ten minutes are one for those who run there.
_SAME_S = 600
_WATCHED_S = 2400
# The defaults of node.json, long after warm-up and burn-in: those have figures of their own.
SETTINGS = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 0,
    "burn_in_h": 0,
    "pre_alarm_permille": 720,
    "alarm_permille": 660,
    "latch_s": 600,
    "siren_steady": False,
}
# Arduino tutorials' `analogRead(A0) > 400`: 400/1023 of 5 V; the same gas as our alarm (200 ppm,
# a ratio of 0.66); and half of the resistance.
_PLAIN_MV = round(400 / 1023 * _SUPPLY_MV * _DIVIDER)
_PLAIN_SAME_GAS_MV = round(_SUPPLY_MV * _LOAD_OHM / (_LOAD_OHM + 0.66 * _R0_OHM) * _DIVIDER)
_PLAIN_HALF_MV = round(_SUPPLY_MV / 2 * _DIVIDER)

Floats = NDArray[np.float64]


class Air:
    """One sensor's pin through its days; days must be asked in order."""

    def __init__(self, seed: int, age_days: int) -> None:
        chance = random.Random(seed)
        walked = physics_smoke._WALK_PER_SQRT_DAY
        self._seed = seed
        self._age_days = age_days
        self._walk = chance.gauss(0, walked * math.sqrt(age_days))
        self._weather = Weather(seed)
        # Sensors are met in unlike seasons.
        self._season_days = chance.randrange(365)

    def day(self, day: int) -> "Day":
        """The next day."""
        points = _DAY_S // _SLOW_S + 1
        numbers = np.random.default_rng(self._seed * 10007 + day)
        step = physics_smoke._WALK_PER_SQRT_DAY * math.sqrt(_SLOW_S / _DAY_S)
        walk = self._walk + np.concatenate(([0], np.cumsum(numbers.normal(0, step, points - 1))))
        self._walk = float(walk[-1])
        began_s = (self._season_days + day) * _DAY_S
        weather = [self._weather.at(began_s + at * _SLOW_S) for at in range(points)]
        factors = np.array([physics_smoke.weather_factor(*at) for at in weather])
        age_years = (self._age_days + day) / 365
        slow = factors * np.exp(walk + physics_smoke._TREND_PER_YEAR * age_years)
        ppm = np.zeros(_DAY_S)
        for before in (day - 1, day):
            for plume in physics_fumes.market_day(self._seed, before):
                _add(ppm, plume, day * _DAY_S)
        seconds = np.arange(_DAY_S)
        at = np.arange(points) * _SLOW_S
        return Day(
            numbers,
            np.interp(seconds, at, slow),
            ppm,
            np.interp(seconds, at, [one[0] for one in weather]),
            np.interp(seconds, at, [one[1] for one in weather]),
        )


class Day:
    """A day in seconds: clean resistance over r0, harmless smoke, weather."""

    def __init__(
        self, numbers: np.random.Generator, slow: Floats, ppm: Floats, temp_c: Floats, rh: Floats
    ) -> None:
        self._slow = slow
        self._ppm = ppm
        self._factor_noise = numbers.normal(1, physics_smoke._NOISE, _DAY_S)
        self._adc_noise = numbers.uniform(-_ADC_NOISE_MV, _ADC_NOISE_MV, _DAY_S)
        self.centi_c = (temp_c * 100).astype(int).tolist()
        self.rh = rh.astype(int).tolist()

    def mv(self, begin_s: int = 0, fire_ppm: Floats | None = None) -> list[int]:
        """What the ADC reads each second from begin_s on."""
        ppm = self._ppm[begin_s:]
        if fire_ppm is not None:
            ppm = ppm[: len(fire_ppm)] + fire_ppm
        part = slice(begin_s, begin_s + len(ppm))
        # The mesh lets the gas through with a time constant of 5 s.
        taps = np.exp(-np.arange(_LAG_TAPS) / 5.0) * (1 - math.exp(-1 / 5.0))
        seen = np.convolve(ppm, taps)[: len(ppm)]
        smoke = (1 + np.maximum(seen, 0) / physics_smoke._KNEE_PPM) ** -physics_smoke._SLOPE
        ohm = _R0_OHM * self._slow[part] * smoke * self._factor_noise[part]
        pin_mv = _SUPPLY_MV * _LOAD_OHM / (_LOAD_OHM + ohm) * _DIVIDER
        return [int(mv) for mv in (pin_mv + self._adc_noise[part]).tolist()]


def _add(ppm: Floats, plume: Plume, began_s: float) -> None:
    """The plume's smoke in the seconds of this day."""
    first = max(0, math.floor(plume.begin_s - began_s))
    last = min(len(ppm), math.ceil(plume.end_s - began_s) + 1)
    for at in range(first, last):
        ppm[at] += plume.ppm(began_s + at)


class Sensor(Protocol):
    """What runs on the pin's millivolts: whether it alarms, second by second."""

    def feed(self, begin_s: int, mv: list[int], centi_c: list[int], rh: list[int]) -> list[int]:
        """The seconds at which an alarm began."""


class _Probe:
    """A node's environment sensor, as the smoke sensor sees it."""

    def __init__(self) -> None:
        self.known = True
        self.temp_cc = 2000
        self.rh_permille = 650


class Node:
    """The node's sensor, with a probe of temperature and humidity or without one."""

    def __init__(self, probe: bool = True, skip: bool = True) -> None:
        self._mv = 0
        self._air = _Probe() if probe else None
        self._skip = skip
        self.smoke = node_pure.smoke(SETTINGS, self._read, self._air)
        self.pre_alarms = 0

    def feed(self, begin_s: int, mv: list[int], centi_c: list[int], rh: list[int]) -> list[int]:
        """Every second; the probe is asked about once a minute, as in the node's rounds."""
        began: list[int] = []
        for first in range(0, len(mv), _SLOW_S):
            part = mv[first : first + _SLOW_S]
            if self._air is not None:
                self._air.temp_cc, self._air.rh_permille = centi_c[first], rh[first] * 10
            node_pure.smoke_minute(self.smoke)
            last_ms = (begin_s + first + _SLOW_S - 1) * 1000 & 0x3FFFFFFF
            whole = self._skip and len(part) == _SLOW_S
            if not (whole and smoke_quiet.pass_minute(self.smoke, part, last_ms)):
                self._look(begin_s + first, part, began)
        return began

    def _look(self, begin_s: int, mv: list[int], began: list[int]) -> None:
        sample = self.smoke.sample
        state = self.smoke.state
        for at, self._mv in enumerate(mv):
            sample((begin_s + at) * 1000 & 0x3FFFFFFF)
            if self.smoke.state != state:
                if self.smoke.state == "alarm":
                    began.append(begin_s + at)
                self.pre_alarms += self.smoke.state == "pre_alarm" and state == "normal"
                state = self.smoke.state

    def _read(self) -> int:
        return self._mv


SENSORS: dict[str, Callable[[], Any]] = {
    "node": Node,
    "without_probe": lambda: Node(probe=False),
    "fixed_ratio": FixedRatio,
    "plain_400": lambda: Plain(_PLAIN_MV),
    "plain_same_gas": lambda: Plain(_PLAIN_SAME_GAS_MV),
    "plain_half": lambda: Plain(_PLAIN_HALF_MV),
}


class _Tally:
    def __init__(self) -> None:
        self.false_alarms = 0
        self.pre_alarms = 0
        self.alarm_days = 0
        self.delays_s: list[float] = []
        self.missed = 0


def _live(sensor: int, days: int, fires: int, tallies: dict[str, _Tally]) -> None:
    air = Air(_FIRST_SEED + sensor, _AGES_DAYS[sensor])
    sensors = {name: make() for name, make in SENSORS.items()}
    chance = random.Random(_FIRST_SEED + sensor)
    # The first two days are the sensor's own to learn.
    first_day = min(2, days - 1)
    burning = [chance.randrange(first_day, days) for _ in range(fires)]
    last_s = dict.fromkeys(sensors, -_SAME_S)
    for day in range(days):
        today = air.day(day)
        mv = today.mv()
        for _ in range(burning.count(day)):
            _burn(sensors, today, day, chance, tallies)
        for name, one in sensors.items():
            began = one.feed(day * _DAY_S, mv, today.centi_c, today.rh)
            tallies[name].alarm_days += bool(began)
            for at_s in began:
                tallies[name].false_alarms += at_s - last_s[name] > _SAME_S
                last_s[name] = at_s
    for name, one in sensors.items():
        tallies[name].pre_alarms += getattr(one, "pre_alarms", 0)


def _burn(
    sensors: dict[str, Any],
    today: Day,
    day: int,
    chance: random.Random,
    tallies: dict[str, _Tally],
) -> None:
    """A fire at some time of this day, seen by copies: their days go on without it."""
    before_s = chance.randrange(0, _DAY_S - 2 * _WATCHED_S)
    fire = physics_fumes.random_fire(chance.randrange(1 << 30), before_s + 600.0)
    fire_ppm = np.array([fire.ppm(before_s + at) for at in range(_WATCHED_S)])
    mv = today.mv(before_s, fire_ppm)
    begin_s = day * _DAY_S + before_s
    part = slice(before_s, before_s + _WATCHED_S)
    for name, one in sensors.items():
        seen = copy.deepcopy(one)
        began = seen.feed(begin_s, mv, today.centi_c[part], today.rh[part])
        after = [at_s for at_s in began if at_s >= begin_s + 600]
        if after:
            tallies[name].delays_s.append(after[0] - begin_s - 600)
        else:
            tallies[name].missed += 1


def _summed(tally: _Tally, days: int) -> parts.Figures:
    delays_s = sorted(tally.delays_s)
    return {
        "false_alarms_per_year": round(tally.false_alarms * 365 / days, 1),
        "false_alarm_days_pct": round(100 * tally.alarm_days / days, 1),
        "pre_alarms_per_year": round(tally.pre_alarms * 365 / days, 1),
        "fires": len(delays_s) + tally.missed,
        "fires_missed": tally.missed,
        "alarm_median_s": statistics.median(delays_s) if delays_s else None,
        "alarm_p90_s": delays_s[len(delays_s) * 9 // 10] if delays_s else None,
    }


def _named(values: parts.Figures) -> parts.Figures:
    # Beside other sensors' figures in one object.
    own = ("false_alarms_per_year", "fires_missed")
    return {name if name in own else f"smoke_{name}": value for name, value in values.items()}


def figures(quick: bool = False) -> parts.Figures:
    """The sensor's figures, and under the others' names theirs on the same traces."""
    began_s = time.monotonic()
    lives, days, fires = (1, 1, 3) if quick else (len(_AGES_DAYS), _DAYS, _FIRES)
    tallies = {name: _Tally() for name in SENSORS}
    for sensor in range(lives):
        parts.LOG.info("smoke: sensor %s of %s, %s days", sensor + 1, lives, days)
        share = fires // lives + (sensor < fires % lives)
        _live(sensor, days, share, tallies)
    summed = {name: _summed(tally, lives * days) for name, tally in tallies.items()}
    return {
        **_named(summed.pop("node")),
        **{f"smoke_{name}": values for name, values in summed.items()},
        **smoke_power.figures(quick),
        "smoke_days": lives * days,
        "smoke_bench_s": round(time.monotonic() - began_s, 1),
    }


if __name__ == "__main__":
    parts.main(figures)
