"""Smoke: an MQ-2's resistance against clean air, and a certified detector's relay contact."""

from micropython import const

from haidang_node.sensors.filters import Median
from haidang_node.sensors.states import Ladder
from haidang_wire.senml_text import Fixed, Record

# MQ-2 data sheet: 5 V measuring circuit. The divider to the ADC is 2:3 (GPIO takes 3.3 V).
_SUPPLY_MV = const(5000)
_DIVIDER_NUMERATOR = const(3)
_DIVIDER_DENOMINATOR = const(2)
# A broken heater or wire gives 0 V, a short the full scale: both are faults, never "no smoke". At
# 11 dB an ESP32's calibration makes about 142 mV of 0 V and little more than 3100 mV of full scale
# (esp-idf issue 1739 shows the like at 6 dB); clean air gives 1100 mV, 1 % of gas 2800 mV.
_OPEN_MV = const(200)
_SHORT_MV = const(3050)
# The median of three keeps a single spike from counting.
_MEDIAN = const(3)
_PRE_ALARM_SAMPLES = const(2)
_ALARM_SAMPLES = const(3)
_HYSTERESIS_PERMILLE = const(80)
_CALM_SAMPLES = const(5)
_PRE_ALARM = const(1)
_ALARM = const(2)
# Products stay below 2**30: what is beyond is an object on the chip's heap.
_SMALL = const((1 << 30) - 1)
_SCALE = const(10000)
_GREATEST_PERMILLE = const(9999)


class Smoke:
    """Samples to state and health; call sample() once a second.

    read_mv() gives the ADC's voltage in mV; contact() is 1 while the detector's relay is closed,
    contact None where none is fitted; siren(1) sounds while the state is alarm. Sampling
    allocates nothing.
    """

    kind = "smoke"
    period_ms = 1000

    def __init__(self, settings: dict, read_mv, contact=None, siren=None, air=None) -> None:
        del air
        self._read_mv = read_mv
        self._contact = contact
        self._siren = siren
        self._load_per_r0 = max(1, settings["load_ohm"] * _SCALE // settings["r0_ohm"])
        self._warm_ms = settings["warmup_s"] * 1000
        self._warm = False
        self._median = Median(_MEDIAN)
        # The ladder rises with danger, the ratio falls with smoke: it takes 1000 - ratio.
        self._ladder = Ladder(
            ("normal", "pre_alarm", "alarm"),
            (1000 - settings["pre_alarm_permille"], 1000 - settings["alarm_permille"]),
            (_PRE_ALARM_SAMPLES, _ALARM_SAMPLES),
            _HYSTERESIS_PERMILLE,
            _CALM_SAMPLES,
        )
        self._told_state = ""
        self._told_health = ""
        self._mv = 0
        self._permille = 1000
        self._closed = False
        self._at_ms = 0
        self.health = "warming"
        self.state = "warming"

    def sample(self, now_ms: int) -> None:
        """Reads the pins once and moves the state machine; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        self._mv = self._read_mv()
        self._closed = self._contact is not None and self._contact() == 1
        self.health = self._judge(now_ms)
        if self.health == "ok":
            self._measure()
        else:
            self._median.clear()
        if self._closed:
            # The certified detector speaks for itself, whatever the supplementary sensor sees.
            self._ladder.force(_ALARM)
            self.state = "alarm"
        elif self.health == "ok":
            self.state = self._ladder.name
        elif self.state == "warming" or self.health == "warming":
            self.state = "warming"
        if self._siren is not None:
            self._siren(1 if self.state == "alarm" else 0)

    def changed(self) -> bool:
        """Whether state or health differ from what was last told; the new ones count as told."""
        same = self.state == self._told_state and self.health == self._told_health
        self._told_state = self.state
        self._told_health = self.health
        return not same

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.state == "normal" and self.health == "ok"

    def records(self) -> list:
        """What is known now; a faulty sensor gives its health and no reading."""
        at_ms = self._at_ms
        records = [Record("smoke/health", self.health, at_ms)]
        if self.health == "ok":
            records.append(Record("smoke/mv", self._mv, at_ms))
            records.append(Record("smoke/ratio", Fixed(self._permille, 3), at_ms))
        if self._contact is not None:
            records.append(Record("smoke/contact", self._closed, at_ms))
        if self.health in ("ok", "warming") or self._closed:
            records.append(Record("smoke/state", self.state, at_ms))
        return records

    state_records = records

    def ratio_permille(self) -> int:
        """Present resistance against r0_ohm, median of the last samples; while health is ok."""
        return self._permille

    def _judge(self, now_ms: int) -> str:
        if self._mv <= _OPEN_MV:
            return "open"
        if self._mv >= _SHORT_MV:
            return "short"
        # Once warm it stays so, also when now_ms begins anew.
        self._warm = self._warm or now_ms >= self._warm_ms
        return "ok" if self._warm else "warming"

    def _measure(self) -> None:
        output_mv = self._mv * _DIVIDER_NUMERATOR // _DIVIDER_DENOMINATOR
        output_mv = min(max(output_mv, 1), _SUPPLY_MV)
        of_load_permille = (_SUPPLY_MV - output_mv) * 1000 // output_mv
        of_load_permille = min(of_load_permille, _SMALL // self._load_per_r0)
        permille = of_load_permille * self._load_per_r0 // _SCALE
        self._median.add(min(permille, _GREATEST_PERMILLE))
        self._permille = self._median.value()
        self._ladder.sample(1000 - self._permille)
