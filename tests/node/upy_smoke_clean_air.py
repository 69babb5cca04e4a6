"""Smoke: clean air is learnt and kept; a smoulder, weather and a new sensor are not."""

from smoke_street import Air, Street


def test_a_new_sensor_is_uncalibrated_for_its_burn_in_and_sees_fires_nevertheless() -> None:
    street = Street(burn_in_h=2, warmup_s=180)
    street.run(200, 720)
    assert (street.sensor.state, street.sensor.health) == ("normal", "uncalibrated")
    assert street.sensor.normal
    assert street.run(20, 400)[0] == "alarm"
    street.run(40, 800)
    for permille in range(800, 1000, 20):
        street.minutes(12, permille)
    assert street.sensor.health == "ok"
    assert abs(street.sensor.gas.ratio - 1000) < 60


def test_quiet_air_is_learnt_and_survives_a_restart_but_a_smoulder_is_not() -> None:
    street = Street()
    street.run(60)
    street.minutes(600, 900)
    assert abs(street.sensor.gas.ratio - 1000) < 20
    gas = street.sensor.gas
    again = Street(learnt=(gas.baseline >> 8, 10, 0))
    again.run(10, 900)
    assert abs(again.sensor.gas.ratio - 1000) < 20
    again.minutes(120, 600)
    assert again.sensor.state == "pre_alarm"
    assert again.sensor.health == "uncalibrated", "gas for hours, or calibrate me"
    assert again.sensor.gas.ratio < 720


def test_a_smoulder_that_takes_half_a_day_does_not_become_clean_air() -> None:
    for air in (None, Air()):
        street = Street(air=air)
        street.minutes(30, 1000)
        for minute in range(720):
            street.minutes(1, 1000 - 600 * minute // 720)
        assert street.sensor.state == "pre_alarm", air


def test_it_is_kept_once_warm_and_then_once_a_day() -> None:
    street = Street(warmup_s=70)
    street.run(61)
    assert street.flash.kept == 0
    street.run(60)
    assert street.flash.kept == 1
    street.minutes(49 * 60)
    assert street.flash.kept == 3
    street.mv = 0
    street.run(121)
    assert street.flash.kept == 4, "a broken wire may be the heater's"
    street.run(5, 1000)
    street.minutes(1)
    assert street.sensor.health == "warming"


def test_a_heater_that_is_warm_since_before_the_reset_needs_no_warm_up() -> None:
    street = Street(warmup_s=180, learnt=(0, 0, 1))
    assert street.run(3) == ("normal", "ok")


def test_weather_is_taken_out_where_it_is_measured() -> None:
    air = Air()
    air.temp_cc, air.rh_permille = 3500, 850
    street = Street(air=air)
    # The data sheet's curve: 35 C and 85 % take 17 % of it.
    street.run(70, 834)
    assert abs(street.sensor.gas.ratio - 1000) < 25, street.sensor.gas.ratio
    air.known = False
    street.run(70)
    assert abs(street.sensor.gas.ratio - 1000) < 25, "the last weather stays"
