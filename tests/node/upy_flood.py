"""The flood sensor: levels, states, what stands in the beam, rates, sleep; in fake time."""

from haidang_node.sensors import flood_nap

from flood_street import FloodStreet, Meter


def test_a_dry_street_is_normal_and_looked_at_once_a_second() -> None:
    bench = FloodStreet()
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
    bench = FloodStreet()
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


def test_a_low_level_is_left_on_a_dry_street_whatever_its_hysteresis() -> None:
    for watch_mm, hysteresis_mm in ((30, 30), (50, 60), (1, 1000), (2, 30)):
        levels = {"watch_mm": watch_mm, "warning_mm": 80, "danger_mm": 120}
        bench = FloodStreet(meter=Meter(beam=False), hysteresis_mm=hysteresis_mm, **levels)
        bench.run(30, 200)
        bench.run(60, 260)
        assert bench.flood.state == "watch"
        # A transducer's zero is a little off.
        bench.run(120, 200 + watch_mm // 8)
        assert bench.flood.state == "normal", watch_mm


def test_a_parked_car_a_person_and_a_web_are_no_flood_but_a_blocked_meter() -> None:
    for level_mm in (1450, 1500, 2740):
        bench = FloodStreet()
        bench.run(20, 0)
        bench.run(3600, level_mm, noise=(0, 3, -2, 5))
        assert bench.flood.state == "normal"
        assert bench.values() == {"flood/health": "stuck"}
        bench.run(10, 0)
        assert bench.values()["flood/health"] == "ok"
        assert bench.values()["flood/level"] == 0


def test_water_that_rose_under_a_car_is_seen_when_the_car_has_left() -> None:
    bench = FloodStreet()
    bench.run(20, 0)
    bench.run(1800, 1450)
    bench.run(25, 600)
    assert bench.values()["flood/level"] == 600
    assert bench.flood.state == "warning"


def test_water_that_rises_over_a_car_is_water() -> None:
    bench = FloodStreet()
    bench.run(20, 0)
    bench.run(900, 1450)
    bench.run(300, lambda s: 1450 + s)
    assert bench.flood.state == "danger"
    assert abs(bench.values()["flood/level"] - 1747) <= 6


def test_half_of_the_echoes_may_come_from_nearer() -> None:
    bench = FloodStreet()
    bench.run(20, 100, noise=(0, -900, 0, -2000, -1500, 0))
    assert abs(bench.values()["flood/level"] - 100) <= 2
    bench.run(60, 100, noise=(0, -900, -2500, -2000, -1500, -700))
    assert abs(bench.values()["flood/level"] - 100) <= 2


def test_sound_that_went_twice_is_no_hole_in_the_street() -> None:
    bench = FloodStreet()
    bench.run(30, 0, noise=(0, 0, 3000))
    assert abs(bench.values()["flood/level"]) <= 1


def test_sound_that_went_twice_is_no_fall_of_deep_water() -> None:
    bench = FloodStreet()
    bench.run(300, lambda s: min(8 * s, 1800))
    bench.run(120, 1800, noise=(0, 0, 0, 1200))
    assert bench.flood.state == "danger"
    assert abs(bench.values()["flood/level"] - 1800) <= 1
    # Half of it, where nothing else is heard any more, is believed after a minute.
    bench.run(150, 600)
    assert bench.values()["flood/level"] == 600


def test_pressure_may_jump() -> None:
    bench = FloodStreet(meter=Meter(beam=False, corrected=True))
    bench.run(20, 210)
    bench.run(20, 1100)
    assert bench.values()["flood/level"] == 900
    assert bench.flood.state == "danger"


def test_power_up_in_a_flood_alarms_and_under_a_car_does_not() -> None:
    first = FloodStreet()
    first.run(5, 600)
    assert first.flood.state == "warning"
    again = FloodStreet(last=(5, 0))
    again.run(5, 600)
    assert again.flood.state == "warning", "nothing that drives is so low"
    flooded = FloodStreet(last=(820, 0))
    flooded.run(5, 900)
    assert flooded.flood.state == "danger"
    risen = FloodStreet(last=(820, 0))
    risen.run(5, 1500)
    assert risen.flood.state == "danger", "no car stands in water of 0.8 m"
    car = FloodStreet(last=(5, 0))
    car.run(100, 1450)
    assert (car.flood.state, car.flood.health) == ("normal", "stuck")
    car.run(10, 0)
    assert (car.flood.state, car.flood.health) == ("normal", "ok")


def test_rate_and_time_to_the_next_level() -> None:
    bench = FloodStreet()
    bench.run(240, lambda s: s)
    values = bench.values()
    assert 3300 <= values["flood/rate"] <= 3900, "1 mm/s is 3600 mm/h"
    assert 55 <= values["flood/to_next"] <= 75, "60 mm are missing"
    steady = FloodStreet()
    steady.run(240, 150, noise=(3, -3, 1, 0, -2))
    assert abs(steady.values()["flood/rate"]) <= 60
    assert "flood/to_next" not in steady.values() or steady.values()["flood/to_next"] > 3600


def test_after_deep_sleep_only_a_change_is_news() -> None:
    bench = FloodStreet()
    bench.run(20, 340)
    assert bench.flood.state == "watch"
    text = flood_nap.kept(bench.flood, bench.now_ms)
    woken = FloodStreet()
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
        third = FloodStreet()
        flood_nap.resume(third.flood, "warning", "ok", slept, 600000)
        third.now_ms = 600000
        third.run(14, 1450)
        assert third.flood.state == state
    # Dry again: two blocks are enough behind a sleep.
    fourth = FloodStreet()
    flood_nap.resume(fourth.flood, "warning", "ok", text, 600000)
    fourth.now_ms = 600000
    fourth.run(10, 0)
    assert fourth.flood.state == "normal"
    assert flood_nap.kept(FloodStreet().flood, 0) == ""


def test_a_battery_node_need_not_stay_awake_over_a_dry_street() -> None:
    bench = FloodStreet()
    bench.run(1, 0)
    assert flood_nap.busy(bench.flood)
    bench.run(2, 0)
    assert not flood_nap.busy(bench.flood)
    silent = FloodStreet()
    silent.run(4)
    assert not flood_nap.busy(silent.flood)
