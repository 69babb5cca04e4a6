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
_NOISY_MINUTES = const(3)
# Places in `minute`; the rest is haidang_node.sensors.smoke_minute's.
_COUNT = const(0)
_SUM = const(1)
_LEAST = const(2)
_GREATEST = const(3)
_STEPS = const(4)
_NOISY = const(5)
_PLACES = const(10)
# Nobody took the minutes for an hour: the sum must not grow for ever.
_MOST_COUNT = const(3600)
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


class Mq2:
    """Call second() once a second; it allocates nothing.

    level: 0, 1 pre-alarm, 2 alarm, until rest(). sees: whether this second was judged. calm_s:
    how long the air has been clean. What is learnt once a minute is haidang_node.sensors.
    smoke_minute's: baseline (1/256 permille of r0_ohm), hours of heating, weather (permille),
    doubt, spread, `minute` (count, sum, least and greatest of the readings, steps up, ...).
    supply is in quarters of a mV, cold_s what is left of the warm-up.
    """

    def __init__(self, settings: dict, permille: int, hours: int, hot: int) -> None:
        """What an earlier start has learnt: clean air in permille of r0_ohm, 0 for nothing, hours
        of heating, 1 where the heater is still hot.
        """
        self._per_r0 = max(1, settings["load_ohm"] * _SCALE // settings["r0_ohm"])
        self._warm_s = settings["warmup_s"]
        self.burn_in_h = settings["burn_in_h"]
        self.pre = settings["pre_alarm_permille"]
        self._low = settings["alarm_permille"]
        known = _LEAST_BASELINE <= permille <= _MOST_BASELINE
        self.baseline = (permille if known else 1000) << _FINE
        self.hours = hours
        # A new sensor's first clean air is not r0_ohm yet.
        self.doubt = hours < self.burn_in_h
        self._first = self.doubt and not known
        self.cold_s = 0 if hot else self._warm_s
        self.supply = _SUPPLY_MV << 2
        self.weather = 1000
        self.minute = array("i", [0] * _PLACES)
        self.spread = -1
        self._past = array("h", [0] * _PAST)
        self._raw = self._before = self._same_s = self._fault_s = 0
        self._at = self._low_s = self._deep_s = 0
        self.mv = self.level = self.calm_s = 0
        self.ratio = self._value = 1000
        self.sees = False
        self.health = "warming"

    def second(self, mv: int, supply_mv: int) -> None:
        """Takes one reading in mV; supply_mv 0 where it is not measured."""
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
                self.cold_s = self._warm_s
            return
        self._fault_s = 0
        self._measure()
        if self._same_s >= _STUCK_S:
            self.health = "stuck"
        elif self.minute[_NOISY] >= _NOISY_MINUTES:
            self.health = "noisy"
        elif self._warmed():
            self._judge()

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
        # One by one: a pair would be made on the heap.
        a = self._before
        b = self._raw
        self._before = b
        self._raw = raw
        # The median of three keeps a single spike from counting.
        value = self._value = max(min(a, b), min(max(a, b), raw)) if a else raw
        self.ratio = min((value * 1000 << _FINE) // self.baseline, _MOST_PERMILLE)
        minute = self.minute
        if b and raw * 4 > b * 5:
            minute[_STEPS] += 1
        count = minute[_COUNT]
        if not 0 < count < _MOST_COUNT:
            count = minute[_SUM] = minute[_GREATEST] = 0
            minute[_LEAST] = _SCALE
        minute[_COUNT] = count + 1
        minute[_SUM] += value
        minute[_LEAST] = min(minute[_LEAST], value)
        minute[_GREATEST] = max(minute[_GREATEST], value)

    def _warmed(self) -> bool:
        # A heater without power cools within seconds and the resistance rises; once the power is
        # back the sensor is cold and conducts like one in dense smoke.
        far = self._value > _MOST_BASELINE
        most = max(self._past)
        if far or (most and self.ratio > _COOLING and self.ratio * 2 > most * 3):
            self.cold_s = self._warm_s
        if far or self.cold_s:
            self.health = "uncalibrated" if far else "warming"
            self.cold_s -= 0 if far else 1
            for i in range(_PAST):
                self._past[i] = 0
            self.minute[_COUNT] = 0
            return False
        if self._first:
            self._first = False
            self.baseline = max(self._value, _LEAST_FIRST) << _FINE
            self.ratio = 1000
        return True

    def _judge(self) -> None:
        self.sees = True
        self.health = "uncalibrated" if self.doubt else "ok"
        ratio = self.ratio
        if self._at % _PAST_S == 0:
            self._past[self._at // _PAST_S] = ratio
        self._at = (self._at + 1) % (_PAST * _PAST_S)
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
        elif self.level == 0 and ratio <= self.pre:
            self.level = 1
        elif self.level == 1 and self.calm_s >= _VERIFY_S:
            self.level = 0
