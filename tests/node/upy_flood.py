"""The flood sensor: levels, states, what stands in the beam, faults, sleep; in fake time."""

import micropython
from haidang_node.sensors import flood_nap
from haidang_node.sensors.drivers import a02yyuw
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.flood_float import FloatAlone, FloodAndFloat

_SETTINGS = {
    "mount_mm": 3000,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
    "sound_cc": 2500,
    "zero_mm": 200,
    "float_mm": 500,
}


class _Meter:
    """A driver: what it was last told to say."""

    def __init__(self, beam=True, corrected=False):
        self.beam = beam
        self.corrected = corrected
        self.fault = ""
        self.good = self.bad = 0
        self.says = None

    def read(self):
        if self.says is not None:
            self.good += 1
        return self.says


class _Air:
    def __init__(self, temp_cc):
        self.known = True
        self.temp_cc = temp_cc


class _Bench:
    def __init__(self, air=None, last=None, meter=None, closed=None, **settings):
        self.meter = meter or _Meter()
        self.kept = []
        parts = (dict(_SETTINGS, **settings), self.meter, air, last, self)
        self.flood = FloodAndFloat(closed, *parts) if closed else Flood(*parts)
        self.now_ms = 0
        self.samples = 0

    def put(self, key, value):
        self.kept.append(value)

    def commit(self):
        level_mm, trim_mm = self.kept[-2:]
        self.kept[-2:] = [(level_mm, trim_mm)]

    def run(self, seconds, level_mm=None, noise=(0,)):
        """level_mm: what the meter sees, a number, a function of seconds, or None for silence."""
        ends_ms = self.now_ms + seconds * 1000
        began_ms = self.now_ms
        while self.now_ms < ends_ms:
            self.now_ms += self.flood.period_ms
            self.samples += 1
            if level_mm is None:
                self.meter.says = None
            else:
                at_s = (self.now_ms - began_ms) / 1000
                level = int(level_mm(at_s)) if callable(level_mm) else level_mm
                level -= noise[self.samples % len(noise)]
                self.meter.says = 3000 - level if self.meter.beam else level
            self.flood.sample(self.now_ms)

    def values(self):
        return {record.name: record.value for record in self.flood.records()}


def test_a_dry_street_is_normal_and_looked_at_once_a_second() -> None:
    bench = _Bench()
    bench.run(5, 0, noise=(-2, 2, 0, 1))
    values = bench.values()
    assert values["flood/health"] == "ok"
    assert values["flood/state"] == "normal"
    assert abs(values["flood/level"]) <= 2
    assert bench.flood.normal
    before = bench.samples
    bench.run(60, 0, noise=(-2, 2, 0, 1))
    assert bench.samples - before == 60
    bench.run(4, 80)
    assert bench.flood.period_ms == 250, "what seems to rise is looked at closely"


def test_rising_water_passes_the_levels_and_falling_water_leaves_them_with_hysteresis() -> None:
    bench = _Bench()
    bench.run(5, 0)
    states = []
    from_mm = 0
    for level_mm in (350, 550, 850):
        # 5 mm/s: faster than any gauge's limit for a street.
        bench.run(80, lambda s, a=from_mm, b=level_mm: min(a + 5 * s, b))
        from_mm = level_mm
        states.append(bench.flood.state)
    assert states == ["watch", "warning", "danger"]
    bench.run(120, 785)
    assert bench.flood.state == "danger"
    bench.run(75, 200)
    assert bench.flood.state == "normal"
    assert len(bench.kept) == 5, "kept at the first level and at each change of state"


def test_a_parked_car_a_person_and_a_web_are_no_flood_but_a_blocked_meter() -> None:
    for level_mm in (1450, 1500, 2740):
        bench = _Bench()
        bench.run(20, 0)
        bench.run(3600, level_mm, noise=(0, 3, -2, 5))
        assert bench.flood.state == "normal"
        assert bench.values() == {"flood/health": "stuck"}
        bench.run(10, 0)
        assert bench.values()["flood/health"] == "ok"
        assert bench.values()["flood/level"] == 0


def test_water_that_rose_under_a_car_is_seen_when_the_car_has_left() -> None:
    bench = _Bench()
    bench.run(20, 0)
    bench.run(1800, 1450)
    bench.run(25, 600)
    assert bench.values()["flood/level"] == 600
    assert bench.flood.state == "warning"


def test_water_that_rises_over_a_car_is_water() -> None:
    bench = _Bench()
    bench.run(20, 0)
    bench.run(900, 1450)
    bench.run(300, lambda s: 1450 + s)
    assert bench.flood.state == "danger"
    assert abs(bench.values()["flood/level"] - 1747) <= 6


def test_half_of_the_echoes_may_come_from_nearer() -> None:
    bench = _Bench()
    bench.run(20, 100, noise=(0, -900, 0, -2000, -1500, 0))
    assert abs(bench.values()["flood/level"] - 100) <= 2
    bench.run(60, 100, noise=(0, -900, -2500, -2000, -1500, -700))
    assert abs(bench.values()["flood/level"] - 100) <= 2


def test_sound_that_went_twice_is_no_hole_in_the_street() -> None:
    bench = _Bench()
    bench.run(30, 0, noise=(0, 0, 3000))
    assert abs(bench.values()["flood/level"]) <= 1


def test_sound_that_went_twice_is_no_fall_of_deep_water() -> None:
    bench = _Bench()
    bench.run(300, lambda s: min(8 * s, 1800))
    bench.run(120, 1800, noise=(0, 0, 0, 1200))
    assert bench.flood.state == "danger"
    assert abs(bench.values()["flood/level"] - 1800) <= 1
    # Half of it, where nothing else is heard any more, is believed after a minute.
    bench.run(150, 600)
    assert bench.values()["flood/level"] == 600


def test_a_level_is_told_though_flash_refuses_it() -> None:
    bench = _Bench(last=(0, 0))
    bench.commit = _refuse
    bench.run(200, lambda s: 5 * s)
    assert (bench.flood.state, bench.flood.health) == ("danger", "ok")


def _refuse():
    raise OSError(-0x1105)


def test_silence_is_a_fault_without_level_or_state_and_water_may_have_come_in_it() -> None:
    bench = _Bench()
    bench.run(5, 100)
    bench.flood.changed()
    bench.run(7)
    assert bench.flood.changed()
    assert bench.values() == {"flood/health": "silent"}
    bench.run(10, 100)
    assert bench.values()["flood/health"] == "ok"
    bench.run(600)
    bench.run(10, 620)
    assert bench.values()["flood/level"] == 620
    bench.run(10, 620)
    assert bench.flood.state == "warning"


def test_a_meter_that_never_spoke_is_silent() -> None:
    bench = _Bench()
    bench.run(1)
    assert bench.values() == {"flood/health": "warming"}
    bench.run(4)
    assert bench.values() == {"flood/health": "silent"}


def test_a_meter_that_hears_no_echo_is_stuck_not_silent() -> None:
    bench = _Bench()
    bench.run(20, 0)
    bench.run(30, 3000)
    assert bench.flood.health == "ok"
    bench.run(60, 3000)
    assert bench.flood.health == "stuck"


def test_a_meter_that_says_the_very_same_for_hours_is_stuck() -> None:
    bench = _Bench()
    bench.run(6 * 3600 - 60, 7)
    assert bench.flood.health == "ok"
    bench.run(120, 7)
    assert bench.values() == {"flood/health": "stuck"}
    bench.run(30, 8)
    assert bench.flood.health == "ok"


def test_more_broken_than_sound_frames_are_noise_until_they_end() -> None:
    bench = _Bench()
    bench.run(10, 0)
    for _ in range(6):
        bench.meter.bad += 30
        bench.run(1, 0)
    assert bench.values() == {"flood/health": "noisy"}
    bench.run(12, 0)
    assert bench.values()["flood/health"] == "ok"


def test_an_open_or_short_loop_is_told_at_once() -> None:
    bench = _Bench(meter=_Meter(beam=False, corrected=True))
    bench.run(20, 260)
    assert bench.values()["flood/level"] == 60, "the transducer lies 200 mm below the street"
    for fault in ("open", "short"):
        bench.meter.fault = fault
        bench.run(1)
        assert bench.values() == {"flood/health": fault}
        bench.meter.fault = ""
        bench.run(14, 260)
        assert bench.values()["flood/health"] == "ok"


def test_pressure_may_jump() -> None:
    bench = _Bench(meter=_Meter(beam=False, corrected=True))
    bench.run(20, 210)
    bench.run(20, 1100)
    assert bench.values()["flood/level"] == 900
    assert bench.flood.state == "danger"


def test_the_air_s_temperature_corrects_the_distance() -> None:
    for temp_cc, factor in ((500, 334.33), (4500, 358.57)):
        bench = _Bench(air=_Air(temp_cc))
        # What a meter that reckons with 25 C says of a street with 200 mm of water.
        told_mm = round(2800 * 346.45 / factor)
        bench.run(30, 3000 - told_mm)
        assert abs(bench.values()["flood/level"] - 200) <= 1


def test_a_probe_that_wakes_up_after_the_meter_does_not_mix_two_levels() -> None:
    air = _Air(500)
    air.known = False
    bench = _Bench(air=air)
    told_mm = round(2800 * 346.45 / 334.33)
    bench.run(1, 3000 - told_mm)
    air.known = True
    bench.run(3, 3000 - told_mm)
    assert abs(bench.values()["flood/level"] - 200) <= 1


def test_a_probe_that_knows_nothing_makes_the_level_uncertain() -> None:
    air = _Air(2500)
    bench = _Bench(air=air)
    bench.run(20, 100)
    assert bench.values()["flood/health"] == "ok"
    air.known = False
    bench.run(1, 100)
    values = bench.values()
    assert (values["flood/health"], values["flood/level"]) == ("uncalibrated", 100)
    bench = _Bench(air=_Air(2500), sound_cc=0)
    bench.run(20, 100)
    assert bench.flood.health == "uncalibrated", "nobody has calibrated the speed of sound"
    assert bench.flood.normal


def test_the_dry_street_is_the_zero_that_slowly_follows_within_bounds() -> None:
    bench = _Bench(air=_Air(2500))
    bench.run(3600, 12)
    assert 5 <= bench.values()["flood/level"] <= 7, "1 mm in 10 minutes"
    bench.run(8 * 3600, 24, noise=(0, 0, 1))
    assert 3 <= bench.values()["flood/level"] <= 5, "20 mm at most"
    bench.run(60, 100)
    assert bench.values()["flood/level"] == 80


def test_without_a_probe_the_dry_street_tells_the_air_and_a_restart_keeps_it() -> None:
    bench = _Bench()
    bench.run(3600, 20)
    assert bench.values()["flood/level"] <= 1, "1 mm in 90 s"
    assert bench.kept[-1][1] == 10, "in steps of 10 mm"
    again = _Bench(last=bench.kept[-1])
    again.run(10, 20)
    assert again.values()["flood/level"] == 10
    water = _Bench()
    water.run(3600, 60)
    assert water.values()["flood/level"] == 60


def test_power_up_in_a_flood_alarms_and_under_a_car_does_not() -> None:
    first = _Bench()
    first.run(5, 600)
    assert first.flood.state == "warning"
    again = _Bench(last=(5, 0))
    again.run(5, 600)
    assert again.flood.state == "warning", "nothing that drives is so low"
    flooded = _Bench(last=(820, 0))
    flooded.run(5, 900)
    assert flooded.flood.state == "danger"
    risen = _Bench(last=(820, 0))
    risen.run(5, 1500)
    assert risen.flood.state == "danger", "no car stands in water of 0.8 m"
    car = _Bench(last=(5, 0))
    car.run(100, 1450)
    assert (car.flood.state, car.flood.health) == ("normal", "stuck")
    car.run(10, 0)
    assert (car.flood.state, car.flood.health) == ("normal", "ok")


def test_rate_and_time_to_the_next_level() -> None:
    bench = _Bench()
    bench.run(240, lambda s: s)
    values = bench.values()
    assert 3300 <= values["flood/rate"] <= 3900, "1 mm/s is 3600 mm/h"
    assert 55 <= values["flood/to_next"] <= 75, "60 mm are missing"
    steady = _Bench()
    steady.run(240, 150, noise=(3, -3, 1, 0, -2))
    assert abs(steady.values()["flood/rate"]) <= 60
    assert "flood/to_next" not in steady.values() or steady.values()["flood/to_next"] > 3600


def test_after_deep_sleep_only_a_change_is_news() -> None:
    bench = _Bench()
    bench.run(20, 340)
    assert bench.flood.state == "watch"
    text = flood_nap.kept(bench.flood, bench.now_ms)
    woken = _Bench()
    woken.now_ms = bench.now_ms + 60000
    flood_nap.resume(woken.flood, "watch", "ok", text, woken.now_ms)
    woken.run(4, 350)
    assert (woken.flood.state, woken.flood.health) == ("watch", "ok")
    assert not woken.flood.changed()
    assert flood_nap.busy(woken.flood), "it may fall"
    woken.run(60, lambda s: min(350 + 4 * s, 520))
    assert woken.flood.state == "warning"
    assert woken.flood.changed()
    # The water rose on during the next sleep; where it was shallow a car came.
    text = flood_nap.kept(woken.flood, woken.now_ms)
    for slept, state in ((text, "danger"), ("120,0,0,0", "warning")):
        third = _Bench()
        flood_nap.resume(third.flood, "warning", "ok", slept, 600000)
        third.now_ms = 600000
        third.run(14, 1450)
        assert third.flood.state == state
    # Dry again: two blocks are enough behind a sleep.
    fourth = _Bench()
    flood_nap.resume(fourth.flood, "warning", "ok", text, 600000)
    fourth.now_ms = 600000
    fourth.run(10, 0)
    assert fourth.flood.state == "normal"
    assert flood_nap.kept(_Bench().flood, 0) == ""


def test_a_battery_node_need_not_stay_awake_over_a_dry_street() -> None:
    bench = _Bench()
    bench.run(1, 0)
    assert flood_nap.busy(bench.flood)
    bench.run(2, 0)
    assert not flood_nap.busy(bench.flood)
    silent = _Bench()
    silent.run(4)
    assert not flood_nap.busy(silent.flood)


def test_a_float_lifts_the_state_even_where_the_meter_is_silent() -> None:
    up = [0]
    bench = _Bench(closed=lambda: up[0])
    bench.run(10, 450)
    assert bench.flood.state == "watch"
    up[0] = 1
    bench.run(3, 450)
    assert bench.flood.state == "warning"
    assert bench.values()["flood/float"] is True
    bench.run(7)
    values = bench.values()
    assert values == {"flood/health": "silent", "flood/float": True, "flood/state": "warning"}
    up[0] = 0
    bench.run(20, 450)
    assert bench.flood.state == "watch"


def test_a_float_that_dances_on_the_waves_changes_nothing() -> None:
    looks = [0]

    def closed():
        looks[0] += 1
        return looks[0] % 2

    bench = _Bench(closed=closed)
    bench.run(60, 100)
    assert bench.flood.state == "normal"


def test_float_and_meter_that_contradict_each_other_are_a_fault() -> None:
    for level_mm, up in ((20, 1), (700, 0)):
        bench = _Bench(closed=lambda up=up: up)
        bench.run(40, level_mm)
        assert bench.flood.health == "ok"
        bench.run(60, level_mm)
        assert bench.flood.health == "stuck"
        assert bench.flood.contradicts()
        assert bench.flood.state == "warning"


def test_a_float_alone_tells_the_state_of_its_height() -> None:
    up = [0]
    alone = FloatAlone(dict(_SETTINGS, float_mm=850), lambda: up[0])
    for step in range(3):
        alone.sample(step * 250)
    assert [record.value for record in alone.records()] == ["warming"]
    for step in range(8):
        alone.sample(step * 250)
    assert alone.changed()
    assert alone.normal
    up[0] = 1
    for step in range(16):
        alone.sample(step * 250)
    assert alone.changed()
    values = {record.name: record.value for record in alone.records()}
    assert values == {"flood/health": "ok", "flood/float": True, "flood/state": "danger"}


def _frame(distance_mm):
    head = bytes([0xFF, distance_mm >> 8, distance_mm & 0xFF])
    return head + bytes([sum(head) & 0xFF])


class _Repeated:
    """A line that gives the same bytes for ever without allocating."""

    def __init__(self, data):
        self._data = data

    def readinto(self, buffer):
        for i in range(len(self._data)):
            buffer[i] = self._data[i]
        return len(self._data)


def test_sampling_allocates_nothing() -> None:
    meter = a02yyuw.make(_SETTINGS, _Repeated(_frame(2600)).readinto, None)
    plain = Flood(_SETTINGS, meter, _Air(3000))
    floating = FloodAndFloat(lambda: 1, _SETTINGS, meter)
    micropython.heap_lock()
    try:
        for step in range(400):
            plain.sample(step * 250)
            floating.sample(step * 250)
            plain.changed()
    finally:
        micropython.heap_unlock()
    assert plain.state == "watch"
    assert floating.state == "warning"
