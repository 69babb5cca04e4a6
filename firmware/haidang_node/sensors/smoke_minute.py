"""What an MQ-2 learns once a minute: clean air, weather, noise, hours. Loaded, then forgotten."""

from micropython import const

from haidang_node import loading

# As in haidang_node.sensors.mq2.
_COUNT = const(0)
_SUM = const(1)
_LEAST = const(2)
_GREATEST = const(3)
_STEPS = const(4)
_NOISY = const(5)
_QUIET = const(6)
_GAS = const(7)
_SECONDS = const(8)
_CLEANEST = const(9)
_FINE = const(8)
_LEAST_BASELINE = const(500 << _FINE)
_MOST_BASELINE = const(2500 << _FINE)
# A round that comes early learns with the next one.
_LEAST_COUNT = const(40)
_MINUTE_S = const(60)
# Gas leaves the sensor's mesh with a time constant of 5 s: it cannot clear a quarter in one
# second. So many such steps a minute, for three minutes, are a loose wire.
_STEPS_A_MINUTE = const(3)
_NOISY_MOST = const(6)
_QUIET_PERMILLE = const(40)
_NEAR_CLEAN = const(850)
# No fire's smoke stays the same for half an hour: what does is an aged sensor or the weather.
_LONG_MIN = const(30)
# What the weather of a day makes of clean air, unmeasured and measured; more is a smoulder that
# takes its time.
_DAY_PERMILLE = const(600)
_FELT_PERMILLE = const(750)
_HOUR_S = const(3600)
_MOST_HOURS = const(1023)
_HOURS_AGAIN = const(1000)
_DAY_H = const(24)


def learn(smoke) -> None:
    """Takes the last minute of a Smoke; writes down what is worth it."""
    gas, air = smoke.gas, smoke.air
    minute = gas.minute
    felt = False
    if air is not None and air.known:
        felt = True
        # Where nothing measures the weather any more, the last one stays.
        gas.weather = weather_permille(air.temp_cc, air.rh_permille)
    worth = minute[_COUNT] >= _LEAST_COUNT and _take(gas, minute, felt)
    marks = (not gas.cold_s) | smoke.sources << 1
    if worth or smoke.marks != marks:
        smoke.marks = marks
        loading.call("haidang_node.sensors.smoke_kept", "keep", smoke)


def weather_permille(temp_cc: int, rh_permille: int) -> int:
    """Rs at this temperature (centi-degree C) and humidity over Rs at 20 C and 65 %.

    The data sheet's figure 4 as a parabola and a line, between -10 and 50 C.
    """
    temp_cc = min(max(temp_cc, -1000), 5000)
    base = 1395380 - 27180 * temp_cc // 100 + 35 * temp_cc * temp_cc // 1000
    return (base - 180 * (rh_permille - 330)) // 934


def _take(gas, minute, felt: bool) -> bool:
    # Whether it is worth writing down.
    seconds = minute[_COUNT]
    bad = minute[_STEPS] * _MINUTE_S >= _STEPS_A_MINUTE * seconds
    minute[_NOISY] = max(0, min(minute[_NOISY] + (1 if bad else -1), _NOISY_MOST))
    mean = minute[_SUM] // seconds
    gas.spread = min((minute[_GREATEST] - minute[_LEAST]) * 1000 // mean, 10000)
    minute[_COUNT] = minute[_STEPS] = 0
    worth = _count_hours(gas, minute, seconds)
    if gas.sees:
        _follow(gas, minute, (mean << _FINE) - gas.baseline, felt)
        _doubt(gas, minute)
    return worth


def _count_hours(gas, minute, seconds: int) -> bool:
    minute[_SECONDS] += seconds
    if minute[_SECONDS] < _HOUR_S:
        return False
    minute[_SECONDS] -= _HOUR_S
    gas.hours = gas.hours + 1 if gas.hours < _MOST_HOURS else _HOURS_AGAIN
    if gas.hours <= gas.burn_in_h or gas.hours % _DAY_H == 0:
        minute[_CLEANEST] = 0
    return gas.hours <= gas.burn_in_h or gas.hours % _DAY_H == 0


def _follow(gas, minute, gap: int, felt: bool) -> None:
    quiet = gas.spread < _QUIET_PERMILLE
    low = gas.ratio <= gas.pre
    minute[_QUIET] = min(minute[_QUIET] + 1, _LONG_MIN) if quiet else 0
    minute[_GAS] = min(minute[_GAS] + 1, _LONG_MIN) if quiet and low else 0
    if gap > 0:
        gas.baseline += gap >> 4
    elif (
        # What stays below the pre-alarm may be a leak or a smoulder: never clean air.
        quiet
        and gas.level == 0
        and not low
        and (gas.ratio > _NEAR_CLEAN or minute[_QUIET] >= _LONG_MIN)
    ):
        # Weather that nothing measures must be followed faster.
        gas.baseline += gap >> (7 if felt else 6)
    minute[_CLEANEST] = max(minute[_CLEANEST], gas.baseline)
    least = minute[_CLEANEST] // 1000 * (_FELT_PERMILLE if felt else _DAY_PERMILLE)
    gas.baseline = min(max(gas.baseline, least, _LEAST_BASELINE), _MOST_BASELINE)


def _doubt(gas, minute) -> None:
    gas.doubt = (
        gas.hours < gas.burn_in_h
        or not _LEAST_BASELINE < gas.baseline < _MOST_BASELINE
        # As much gas for half an hour, or a sensor that has aged while it had no power.
        or minute[_GAS] >= _LONG_MIN
    )
