"""Flood's self-test and calibration: tape and level become the zero, within what can be true."""

from haidang_node.errors import CommandError
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.flood_float import FloatAlone, FloodAndFloat
from haidang_node.sensors.flood_service import calibrate, selftest

_SETTINGS = {
    "mount_mm": 3000,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
    "sound_cc": 0,
    "zero_mm": 0,
    "float_mm": 500,
}


class _Meter:
    corrected = False
    fault = ""

    def __init__(self, says_mm, beam=True):
        self.says_mm = says_mm
        self.beam = beam
        self.good = self.bad = 0

    def read(self):
        if self.says_mm is not None:
            self.good += 1
        return self.says_mm


class _Air:
    known = True

    def __init__(self, temp_cc):
        self.temp_cc = temp_cc


class _Store:
    def __init__(self, kept):
        self._kept = kept

    def put(self, key, value):
        self._kept.append((key, value))

    def commit(self):
        pass


_CLOCK = [0]


def _run(sensor, seconds=20):
    for _ in range(4 * seconds):
        _CLOCK[0] += 250
        sensor.sample(_CLOCK[0])
    return sensor


def _flood(says_mm, air=None, beam=True, kept=None):
    store = None if kept is None else _Store(kept)
    return _run(Flood(_SETTINGS, _Meter(says_mm, beam), air, None, store))


def _error(sensor, **args):
    try:
        calibrate(sensor, args, _SETTINGS)
    except CommandError as error:
        return str(error) if error.hint else "no hint"
    return ""


def _failed(sensor):
    return [check[0] for check in selftest(sensor, _SETTINGS) if not check[1]]


def test_a_measured_level_gives_the_height_of_the_meter() -> None:
    kept = []
    sensor = _flood(2950, kept=kept)
    assert calibrate(sensor, {"level_mm": 20}, _SETTINGS) == {"mount_mm": 2970}
    assert kept[-2:] == [("flood_mm", 20), ("flood_trim", 0)], "the old trim goes"
    assert "level_mm is missing" in _error(sensor)
    assert "mount_mm would be" in _error(sensor, level_mm=9000)
    for wrong in (-1, True, "20", 1.5):
        assert "is not a length" in _error(sensor, level_mm=wrong)


def test_a_tape_and_a_probe_give_the_meters_own_speed_of_sound() -> None:
    # The air is at 35 C, the meter reckons with 20 C, the street is 3,100 mm below it.
    told_mm = round(3100 * (331.3 + 0.606 * 20) / (331.3 + 0.606 * 35))
    sensor = _flood(told_mm, _Air(3500))
    assert sensor.health == "uncalibrated"
    patch = calibrate(sensor, {"mount_mm": 3100}, _SETTINGS)
    assert patch["mount_mm"] == 3100
    assert abs(patch["sound_cc"] - 2000) <= 40
    again = Flood(dict(_SETTINGS, **patch), _Meter(told_mm), _Air(3500))
    assert abs(_run(again).gauge.level_mm) <= 2
    assert again.health == "ok"


def test_tape_and_meter_that_differ_too_much_are_refused() -> None:
    assert "the meter says 2700 mm, the tape 3000 mm" in _error(_flood(2700), mount_mm=3000)
    assert _error(_flood(2950), mount_mm=3000) == ""
    assert "would reckon with" in _error(_flood(2860, _Air(2500)), mount_mm=3000)


def test_a_meter_far_from_its_mount_mm_is_calibrated_by_tape_alone() -> None:
    # At 4 m with the default of 3 m: no level is believed, and nothing else could mend that.
    sensor = _run(Flood(_SETTINGS, _Meter(4000), None, (0, 0)), 90)
    assert sensor.health == "stuck"
    assert "mount_mm is missing" in _error(sensor, level_mm=0)
    assert "the meter says 4000 mm, the tape 3000 mm" in _error(sensor, mount_mm=3000)
    assert calibrate(sensor, {"mount_mm": 4010}, _SETTINGS) == {"mount_mm": 4000}
    warm = _run(Flood(_SETTINGS, _Meter(3900), _Air(3500), (0, 0)), 90)
    patch = calibrate(warm, {"mount_mm": 4000}, _SETTINGS)
    again = _run(Flood(dict(_SETTINGS, **patch), _Meter(3900), _Air(3500)))
    assert abs(again.gauge.level_mm) <= 2
    deaf = _run(Flood(_SETTINGS, _Meter(0), None, (0, 0)), 90)
    assert deaf.health == "stuck"
    assert "hears no echo" in _error(deaf, mount_mm=3000)


def test_a_transducer_is_zeroed_by_the_water_over_the_street() -> None:
    sensor = _flood(310, beam=False)
    assert calibrate(sensor, {"level_mm": 30}, _SETTINGS) == {"zero_mm": 280}
    assert calibrate(sensor, {"level_mm": 0}, _SETTINGS) == {"zero_mm": 310}


def test_the_self_test_names_what_fails() -> None:
    assert _failed(_flood(2950)) == []
    assert _failed(_flood(2950, _Air(3000))) == ["sound"]
    assert _failed(_flood(None)) == ["answers", "beam"]
    noisy = _flood(2950)
    noisy.meter.says_mm = None
    for _ in range(5):
        noisy.meter.bad += 10
        _run(noisy, 1)
    assert noisy.health == "noisy"
    assert _failed(noisy) == ["answers", "frames"]
    blocked = _flood(2950)
    blocked.meter.says_mm = 1500
    _run(blocked, 90)
    assert "beam" in _failed(blocked)
    loop = _flood(100, beam=False)
    loop.meter.fault = "open"
    assert _failed(_run(loop, 1)) == ["loop", "reading"]


def test_the_self_test_of_floats() -> None:
    beside = _run(FloodAndFloat(lambda: 1, _SETTINGS, _Meter(2990)), 90)
    assert _failed(beside) == ["float"]
    alone = _run(FloatAlone(_SETTINGS, lambda: 1))
    assert selftest(alone, _SETTINGS) == [["float", True, "up"]]
    assert "nothing to calibrate" in _error(alone, level_mm=0)
