"""What a level is counted from: the air's temperature, the dry street, what a restart keeps."""

from flood_street import Air, FloodStreet


def test_the_air_s_temperature_corrects_the_distance() -> None:
    for temp_cc, factor in ((500, 334.33), (4500, 358.57)):
        bench = FloodStreet(air=Air(temp_cc))
        # What a meter that reckons with 25 C says of a street with 200 mm of water.
        told_mm = round(2800 * 346.45 / factor)
        bench.run(30, 3000 - told_mm)
        assert abs(bench.values()["flood/level"] - 200) <= 1


def test_a_probe_that_wakes_up_after_the_meter_does_not_mix_two_levels() -> None:
    air = Air(500)
    air.known = False
    bench = FloodStreet(air=air)
    told_mm = round(2800 * 346.45 / 334.33)
    bench.run(1, 3000 - told_mm)
    air.known = True
    bench.run(3, 3000 - told_mm)
    assert abs(bench.values()["flood/level"] - 200) <= 1


def test_a_probe_that_knows_nothing_makes_the_level_uncertain() -> None:
    air = Air(2500)
    bench = FloodStreet(air=air)
    bench.run(20, 100)
    assert bench.values()["flood/health"] == "ok"
    air.known = False
    bench.run(1, 100)
    values = bench.values()
    assert (values["flood/health"], values["flood/level"]) == ("uncalibrated", 100)
    bench = FloodStreet(air=Air(2500), sound_cc=0)
    bench.run(20, 100)
    assert bench.flood.health == "uncalibrated", "nobody has calibrated the speed of sound"
    assert bench.flood.normal


def test_the_dry_street_is_the_zero_that_slowly_follows_within_bounds() -> None:
    bench = FloodStreet(air=Air(2500))
    bench.run(3600, 12)
    assert 5 <= bench.values()["flood/level"] <= 7, "1 mm in 10 minutes"
    bench.run(8 * 3600, 24, noise=(0, 0, 1))
    assert 3 <= bench.values()["flood/level"] <= 5, "20 mm at most"
    bench.run(60, 100)
    assert bench.values()["flood/level"] == 80


def test_without_a_probe_the_dry_street_tells_the_air_and_a_restart_keeps_it() -> None:
    bench = FloodStreet()
    bench.run(3600, 20)
    assert bench.values()["flood/level"] <= 1, "1 mm in 90 s"
    assert bench.kept[-1][1] == 10, "in steps of 10 mm"
    again = FloodStreet(last=bench.kept[-1])
    again.run(10, 20)
    assert again.values()["flood/level"] == 10
    water = FloodStreet()
    water.run(3600, 60)
    assert water.values()["flood/level"] == 60
