"""An MQ-2 behind its load resistor: ratio to learnt clean air, and what that says of fire."""

from array import array

from micropython import const

# MQ-2 data sheet: 5 V measuring circuit. The divider to the ADC is 2:3 (GPIO takes 3.3 V).
_SUPPLY_MV = const(5000)
# The heater's power goes with the square of it: beyond 10 % its curves are not the data sheet's.
_SUPPLY_LEAST_MV = const(4500)
_SUPPLY_MOST_MV = const(5500)
_SUPPLY_SLACK_MV = const(60)
# A broken heater or wire gives 0 V, a short the full scale: both are faults, never "no smoke". At
# 11 dB an ESP32's calibration makes about 142 mV of 0 V and little more than 3100 mV of full scale
# (esp-idf issue 1739 shows the like at 6 dB); clean air gives 1100 mV, 1 % of gas 2800 mV.
_OPEN_MV = const(200)
_SHORT_MV = const(3050)
_FAULT_S = const(3)
# Its own noise is 0.4 %, the ADC's more: the very same reading for so long is no measurement.
_STUCK_S = const(600)
# Gas leaves the sensor's mesh with a time constant of 5 s: it cannot clear a quarter in one
# second. So many such steps in a minute, and so many minutes of them, are a loose wire.
_STEPS_A_MINUTE = const(3)
_NOISY_MINUTES = const(3)
# Products stay below 2**30: what is beyond is an object on the chip's heap.
_SMALL = const((1 << 30) - 1)
_SCALE = const(10000)
_MOST_PERMILLE = const(4000)
# Clean air may drift so far from r0_ohm until the sensor counts as uncalibrated.
_LEAST_BASELINE = const(500)
_MOST_BASELINE = const(2500)
# Air that a new sensor finds at its first look is not taken for clean below this.
_LEAST_FIRST = const(600)
# The baseline is kept in 1/256 permille of r0_ohm.
_FINE = const(8)
_MINUTE_S = const(60)
_QUIET_PERMILLE = const(40)
_NEAR_CLEAN = const(850)
# No fire's smoke stays the same for half an hour: what does is an aged sensor or the weather.
_LONG_QUIET_MIN = const(30)
# Ratios of the last three minutes, one in 20 s, for the slope.
_PAST = const(9)
_PAST_S = const(20)
_FALL = const(120)
_ALARM_S = const(10)
_DEEP_S = const(30)
# Below the alarm's ratio by so much it is deep; the denser, the faster the seconds count.
_DEEPER = const(140)
_TWICE = const(100)
_THRICE = const(210)
_CLEAN = const(800)
# UL 864 alarm verification: what comes again within 60 s is one detection.
_VERIFY_S = const(60)
# Half as much again as all of the last minutes, and above clean air: a heater that cools.
_COOLING = const(1400)
_HOURS = const(1023)
_HOURS_AGAIN = const(1000)
_HOUR_MIN = const(60)
_DAY_H = const(24)


class Mq2:
    """Call second() once a second; it allocates nothing.

    level: 0, 1 pre-alarm, 2 alarm, until rest(). sees: whether this second was judged. calm_s:
    how long the air has been clean. unkept: baseline, hours of heating or cold_s, what is left of
    the warm-up, are worth writing down. supply (1/4 mV), weather and spread, by which the last
    minute's readings differed (permille, -1: no minute yet), are for the self-test.
    """

    def __init__(self, settings: dict, permille: int, hours: int, hot: bool) -> None:
        """What an earlier start has learnt: clean air in permille of r0_ohm, 0 for nothing, hours
        of heating, whether the heater is still hot.
        """
        self._per_r0 = max(1, settings["load_ohm"] * _SCALE // settings["r0_ohm"])
        self._warm_s = settings["warmup_s"]
        self._burn_in_h = settings["burn_in_h"]
        self._pre = settings["pre_alarm_permille"]
        self._low = settings["alarm_permille"]
        known = _LEAST_BASELINE <= permille <= _MOST_BASELINE
        self.baseline = (permille if known else 1000) << _FINE
        self.hours = hours
        # A new sensor's first clean air is not r0_ohm yet.
        self._doubt = hours < self._burn_in_h
        self._first = self._doubt and not known
        self.cold_s = 0 if hot else self._warm_s
        self.supply = _SUPPLY_MV << 2
        self.weather = 1000
        self._felt = False
        self._raw = self._before = self._second = self._sum = 0
        self._same_s = self._fault_s = self._steps = self._noisy_min = 0
        self._quiet_min = self._gas_min = self._minutes = 0
        self._least, self._greatest = _SMALL, 0
        self.spread = -1
        self._past = array("h", [0] * _PAST)
        self._at = self._low_s = self._deep_s = 0
        self.mv = self.level = self.calm_s = 0
        self.ratio = self._value = 1000
        self.sees = self.unkept = False
        self.health = "warming"

    def second(self, mv: int, supply_mv: int, air) -> None:
        """Takes one reading in mV; supply_mv 0 where it is not measured, air None likewise."""
        self._same_s = min(self._same_s + 1, _STUCK_S) if mv == self.mv else 0
        self.mv = mv
        if supply_mv:
            self.supply += supply_mv - (self.supply >> 2)
        self.sees = False
        fault = self._fault()
        if fault:
            self._fault_s += 1
            if self._fault_s >= _FAULT_S:
                self._fault_s = _FAULT_S
                self.health = fault
                self.unkept = self.unkept or not self.cold_s
                self.cold_s = self._warm_s
            return
        self._fault_s = 0
        if not self._felt and air is not None and air.known:
            self._felt = True
            self.weather = weather_permille(air.temp_cc, air.rh_permille)
        self._measure()
        if self._same_s >= _STUCK_S:
            self.health = "stuck"
        elif self._noisy_min >= _NOISY_MINUTES:
            self.health = "noisy"
        elif self._warmed():
            self._judge()
        if self._second >= _MINUTE_S:
            self._end_minute()

    def rest(self) -> None:
        """The alarm is over, or somebody says so."""
        self.level = self._low_s = self._deep_s = 0

    def _fault(self) -> str:
        supply_mv = self.supply >> 2
        slack_mv = _SUPPLY_SLACK_MV if self._fault_s else 0
        if self.mv <= _OPEN_MV or supply_mv < _SUPPLY_LEAST_MV + slack_mv:
            return "open"
        if self.mv >= _SHORT_MV or supply_mv > _SUPPLY_MOST_MV - slack_mv:
            return "short"
        return ""

    def _measure(self) -> None:
        supply_mv = self.supply >> 2
        output_mv = min(self.mv * 3 // 2, supply_mv - 1)
        of_load = min((supply_mv - output_mv) * 1000 // output_mv, _SMALL // self._per_r0)
        raw = min(of_load * self._per_r0 // _SCALE, _SCALE) * 1000 // self.weather
        raw = min(max(raw, 1), _MOST_PERMILLE)
        a, b = self._before, self._raw
        self._before, self._raw = b, raw
        if b and raw * 4 > b * 5:
            self._steps += 1
        # The median of three keeps a single spike from counting.
        self._value = max(min(a, b), min(max(a, b), raw)) if a else raw
        self.ratio = min((self._value * 1000 << _FINE) // self.baseline, _MOST_PERMILLE)
        if not self._second:
            self._sum = self._greatest = 0
            self._least = _SMALL
        self._least = min(self._least, self._value)
        self._greatest = max(self._greatest, self._value)
        self._sum += self._value
        self._second += 1

    def _warmed(self) -> bool:
        # A heater without power cools within seconds and the resistance rises; once the power is
        # back the sensor is cold and conducts like one in dense smoke.
        far = self._value > _MOST_BASELINE
        most = max(self._past)
        if far or (most and self.ratio > _COOLING and self.ratio * 2 > most * 3):
            self.unkept = self.unkept or not self.cold_s
            self.cold_s = self._warm_s
        if far or self.cold_s:
            self.health = "uncalibrated" if far else "warming"
            self.cold_s -= 0 if far else 1
            for i in range(_PAST):
                self._past[i] = 0
            self._second = 0
            return False
        if self._first:
            self._first = False
            self.baseline = max(self._value, _LEAST_FIRST) << _FINE
            self.ratio = 1000
        return True

    def _judge(self) -> None:
        if self.health == "warming":
            self.unkept = True
        self.sees = True
        self.health = "uncalibrated" if self._doubt else "ok"
        ratio = self.ratio
        if self._second % _PAST_S == 1:
            self._past[self._at] = ratio
            self._at = (self._at + 1) % _PAST
        below = self._low - ratio
        weight = 3 if below >= _THRICE else 2 if below >= _TWICE else 1
        if below >= 0 and max(self._past) - ratio >= _FALL:
            self._low_s = min(self._low_s + weight, _ALARM_S)
        elif self._low_s:
            self._low_s -= 1
        self._deep_s = min(self._deep_s + weight, _DEEP_S) if below >= _DEEPER else 0
        self.calm_s = min(self.calm_s + 1, _SMALL) if ratio > _CLEAN else 0
        if self._low_s >= _ALARM_S or self._deep_s >= _DEEP_S:
            self.level = 2
        elif self.level == 0 and ratio <= self._pre:
            self.level = 1
        elif self.level == 1 and self.calm_s >= _VERIFY_S:
            self.level = 0

    def _end_minute(self) -> None:
        bad = self._steps >= _STEPS_A_MINUTE
        self._noisy_min = max(0, min(self._noisy_min + (1 if bad else -1), 2 * _NOISY_MINUTES))
        self._second = self._steps = 0
        mean = self._sum // _MINUTE_S
        self.spread = min((self._greatest - self._least) * 1000 // mean, _SCALE)
        self._minutes += 1
        if self._minutes >= _HOUR_MIN:
            self._minutes = 0
            self.hours = self.hours + 1 if self.hours < _HOURS else _HOURS_AGAIN
            self.unkept = self.hours <= self._burn_in_h or self.hours % _DAY_H == 0 or self.unkept
        if self.sees:
            self._learn((mean << _FINE) - self.baseline)
        # Where nothing measures the weather any more, the last one stays.
        self._felt = False

    def _learn(self, gap: int) -> None:
        quiet = self.spread < _QUIET_PERMILLE
        low = self.ratio <= self._pre
        self._quiet_min = min(self._quiet_min + 1, _LONG_QUIET_MIN) if quiet else 0
        self._gas_min = min(self._gas_min + 1, _LONG_QUIET_MIN) if quiet and low else 0
        if gap > 0:
            self.baseline += gap >> 4
        elif (
            # What stays below the pre-alarm may be a leak or a smoulder: never clean air.
            quiet
            and self.level == 0
            and not low
            and (self.ratio > _NEAR_CLEAN or self._quiet_min >= _LONG_QUIET_MIN)
        ):
            # Weather that nothing measures must be followed faster.
            self.baseline += gap >> (7 if self._felt else 6)
        least, most = _LEAST_BASELINE << _FINE, _MOST_BASELINE << _FINE
        self.baseline = min(max(self.baseline, least), most)
        self._doubt = (
            self.hours < self._burn_in_h
            or not least < self.baseline < most
            # As much gas for half an hour, or a sensor that has aged while it had no power.
            or self._gas_min >= _LONG_QUIET_MIN
        )


def weather_permille(temp_cc: int, rh_permille: int) -> int:
    """Rs at this temperature (centi-degree C) and humidity over Rs at 20 C and 65 %.

    The data sheet's figure 4 as a parabola and a line, between -10 and 50 C.
    """
    temp_cc = min(max(temp_cc, -1000), 5000)
    base = 1395380 - 27180 * temp_cc // 100 + 35 * temp_cc * temp_cc // 1000
    return (base - 180 * (rh_permille - 330)) // 934
