"""A level meter that is silent, noisy, blind or cut off is told as such, and no level with it."""

from flood_street import FloodStreet, Meter


def test_a_level_is_told_though_flash_refuses_it() -> None:
    bench = FloodStreet(last=(0, 0))
    bench.commit = _refuse
    bench.run(200, lambda s: 5 * s)
    assert (bench.flood.state, bench.flood.health) == ("danger", "ok")


def _refuse():
    raise OSError(-0x1105)


def test_silence_is_a_fault_without_level_or_state_and_water_may_have_come_in_it() -> None:
    bench = FloodStreet()
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
    bench = FloodStreet()
    bench.run(1)
    assert bench.values() == {"flood/health": "warming"}
    bench.run(4)
    assert bench.values() == {"flood/health": "silent"}


def test_a_meter_that_hears_no_echo_is_stuck_not_silent() -> None:
    bench = FloodStreet()
    bench.run(20, 0)
    bench.run(30, 3000)
    assert bench.flood.health == "ok"
    bench.run(60, 3000)
    assert bench.flood.health == "stuck"


def test_a_meter_that_says_the_very_same_for_hours_is_stuck() -> None:
    bench = FloodStreet()
    bench.run(6 * 3600 - 60, 7)
    assert bench.flood.health == "ok"
    bench.run(120, 7)
    assert bench.values() == {"flood/health": "stuck"}
    bench.run(30, 8)
    assert bench.flood.health == "ok"


def test_more_broken_than_sound_frames_are_noise_until_they_end() -> None:
    bench = FloodStreet()
    bench.run(10, 0)
    for _ in range(6):
        bench.meter.bad += 30
        bench.run(1, 0)
    assert bench.values() == {"flood/health": "noisy"}
    bench.run(12, 0)
    assert bench.values()["flood/health"] == "ok"


def test_an_open_or_short_loop_is_told_at_once() -> None:
    bench = FloodStreet(meter=Meter(beam=False, corrected=True))
    bench.run(20, 260)
    assert bench.values()["flood/level"] == 60, "the transducer lies 200 mm below the street"
    for fault in ("open", "short"):
        bench.meter.fault = fault
        bench.run(1)
        assert bench.values() == {"flood/health": fault}
        bench.meter.fault = ""
        bench.run(14, 260)
        assert bench.values()["flood/health"] == "ok"
