"""The smoke sensor: states with hysteresis, faults that are never "no smoke", no allocation."""

import micropython
from haidang_node.sensors.filters import Median
from haidang_node.sensors.smoke import Smoke
from haidang_node.sensors.states import Ladder

_SETTINGS = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 0,
    "pre_alarm_permille": 700,
    "alarm_permille": 500,
}
# ADC readings (2/3 of the sensor's output) for a ratio of Rs to R0 in permille.
_CLEAN_MV = 1111  # 1000
_HAZE_MV = 1408  # 650
_SMOKE_MV = 1754  # 450


class _Pins:
    def __init__(self):
        self.mv = _CLEAN_MV
        self.closed = 0
        self.siren = 0

    def read_mv(self):
        return self.mv

    def contact(self):
        return self.closed

    def sound(self, level):
        self.siren = level


def _smoke(pins, **changes):
    settings = dict(_SETTINGS)
    settings.update(changes)
    return Smoke(settings, pins.read_mv, pins.contact, pins.sound)


def _run(sensor, samples, start_s=0):
    for second in range(start_s, start_s + samples):
        sensor.sample(second * 1000)


def _values(sensor):
    return {record.name: record.value for record in sensor.records()}


def test_clean_air_is_normal_and_measured() -> None:
    sensor = _smoke(_Pins())
    _run(sensor, 3)
    values = _values(sensor)
    assert values["smoke/state"] == "normal"
    assert values["smoke/health"] == "ok"
    assert values["smoke/mv"] == _CLEAN_MV
    assert abs(values["smoke/ratio"].mantissa - 1000) < 5
    assert values["smoke/ratio"].decimals == 3
    assert sensor.normal


def test_smoke_raises_the_state_step_by_step_and_a_spike_does_not() -> None:
    pins = _Pins()
    sensor = _smoke(pins)
    _run(sensor, 5)
    pins.mv = _SMOKE_MV
    _run(sensor, 1, 5)
    pins.mv = _CLEAN_MV
    _run(sensor, 4, 6)
    assert sensor.state == "normal"
    pins.mv = _HAZE_MV
    _run(sensor, 4, 10)
    assert sensor.state == "pre_alarm"
    pins.mv = _SMOKE_MV
    _run(sensor, 5, 14)
    assert sensor.state == "alarm"
    assert pins.siren == 1
    assert not sensor.normal


def test_the_alarm_ends_only_well_below_its_threshold() -> None:
    pins = _Pins()
    sensor = _smoke(pins)
    pins.mv = _SMOKE_MV
    _run(sensor, 6)
    pins.mv = 1620  # ratio 529: below the alarm, inside the hysteresis of 80
    _run(sensor, 30, 6)
    assert sensor.state == "alarm"
    pins.mv = _CLEAN_MV
    _run(sensor, 10, 36)
    assert sensor.state == "normal"
    assert pins.siren == 0


def test_an_open_or_shorted_sensor_is_a_fault_without_a_reading() -> None:
    # 142 and 3120: what a calibrated ESP32 makes of 0 V and of full scale at 11 dB.
    for mv, health in ((0, "open"), (142, "open"), (3120, "short"), (3300, "short")):
        pins = _Pins()
        sensor = _smoke(pins)
        _run(sensor, 5)
        sensor.changed()
        pins.mv = mv
        _run(sensor, 1, 5)
        assert sensor.changed()
        values = _values(sensor)
        assert values["smoke/health"] == health
        assert "smoke/ratio" not in values
        assert "smoke/state" not in values
        assert not sensor.normal


def test_the_detector_contact_is_an_alarm_even_with_a_broken_sensor() -> None:
    pins = _Pins()
    pins.mv = 0
    sensor = _smoke(pins)
    _run(sensor, 3)
    pins.closed = 1
    _run(sensor, 1, 3)
    values = _values(sensor)
    assert values["smoke/state"] == "alarm"
    assert values["smoke/contact"] is True
    assert values["smoke/health"] == "open"


def test_a_cold_sensor_is_warming_and_raises_nothing() -> None:
    pins = _Pins()
    pins.mv = _SMOKE_MV
    sensor = _smoke(pins, warmup_s=10)
    _run(sensor, 10)
    assert _values(sensor)["smoke/state"] == "warming"
    assert "smoke/ratio" not in _values(sensor)
    _run(sensor, 5, 10)
    assert sensor.state == "alarm"


def test_a_change_is_told_once() -> None:
    sensor = _smoke(_Pins())
    _run(sensor, 1)
    assert sensor.changed()
    _run(sensor, 5, 1)
    assert not sensor.changed()


def test_sampling_allocates_nothing() -> None:
    pins = _Pins()
    sensor = _smoke(pins)
    _run(sensor, 3)
    for mv in (_CLEAN_MV, _SMOKE_MV, 0, 3300):
        pins.mv = mv
        micropython.heap_lock()
        try:
            for second in range(100, 110):
                sensor.sample(second)
        finally:
            micropython.heap_unlock()


def test_the_median_of_a_ring() -> None:
    median = Median(3)
    for value, expected in ((5, 5), (1, 5), (9, 5), (9, 9), (0, 9), (0, 0)):
        median.add(value)
        assert median.value() == expected, value


def test_a_ladder_climbs_several_steps_and_falls_to_the_right_one() -> None:
    ladder = Ladder(("a", "b", "c", "d"), (10, 20, 30), (1, 1, 2), 2, 2)
    assert ladder.sample(35)
    assert ladder.name == "c", "the third step needs two samples"
    assert ladder.sample(35)
    assert ladder.name == "d"
    assert not ladder.sample(29), "inside the hysteresis"
    assert not ladder.sample(15)
    assert ladder.sample(15)
    assert ladder.name == "b"
