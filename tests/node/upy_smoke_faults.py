"""Smoke: faults of sensor, heater, supply and line are never "no smoke"."""

from haidang_node.sensors.contact_loop import ContactLoop

from smoke_street import Street, mv_of


def test_an_open_or_shorted_sensor_is_a_fault_without_a_reading() -> None:
    # 142 and 3120: what a calibrated ESP32 makes of 0 V and of full scale at 11 dB.
    for mv, health in ((0, "open"), (142, "open"), (3120, "short"), (3300, "short")):
        street = Street()
        street.run(5)
        street.mv = mv
        street.run(2)
        assert street.sensor.health == "ok", "a loose wire's moment"
        street.run(2)
        values = street.values()
        assert values["smoke/health"] == health
        assert "smoke/ratio" not in values
        assert "smoke/state" not in values
        assert not street.sensor.normal
        assert street.told[-1][1] == health


def test_a_sensor_that_burns_keeps_its_alarm_until_somebody_silences_it() -> None:
    street = Street()
    street.run(10)
    street.run(20, 400)
    street.mv = 0
    assert street.run(400) == ("alarm", "open")
    assert street.values()["smoke/state"] == "alarm"
    street.sensor.silence()
    street.run(2)
    assert "smoke/state" not in street.values() or street.values()["smoke/state"] == "warming"


def test_a_cold_heater_is_warming_and_its_transient_no_fire() -> None:
    street = Street(warmup_s=180)
    for second in range(180):
        # Two thirds of the way in 40 s, from a seventh of its resistance on.
        street.run(1, 1000 - 850 * 40 // (40 + second * 3))
        assert street.sensor.state == "warming"
    assert street.run(30, 1000) == ("normal", "ok")
    assert all(state != "alarm" for state, _ in street.told)


def test_a_heater_without_power_for_a_while_begins_its_warm_up_anew() -> None:
    street = Street(warmup_s=180)
    street.run(200)
    assert street.sensor.health == "ok"
    for permille in (1300, 1700, 2200, 2400):
        street.run(5, permille)
    assert street.sensor.health == "warming"
    street.run(100, 300)
    assert street.run(60, 700) == ("warming", "warming")
    assert street.run(60, 1000)[0] == "normal"
    assert all(state != "alarm" for state, _ in street.told)


def test_a_heater_that_stays_cold_is_open_or_uncalibrated_but_never_ok() -> None:
    street = Street()
    street.run(30)
    street.run(300, 3500)
    assert street.sensor.health == "uncalibrated"
    assert "smoke/ratio" not in street.values()
    street.mv = 150
    assert street.run(5)[1] == "open"


def test_a_supply_out_of_limits_is_a_fault_and_then_a_cold_heater() -> None:
    for supply_mv, health in ((4300, "open"), (5700, "short")):
        street = Street(supply=True, warmup_s=60)
        street.run(70)
        street.supply_mv = supply_mv
        street.mv = mv_of(1000, supply_mv)
        assert street.run(30)[1] == health
        street.supply_mv = 5000
        street.mv = mv_of(1000)
        assert street.run(30)[1] == "warming"
        assert street.run(60) == ("normal", "ok")


def test_a_supply_within_limits_changes_no_ratio() -> None:
    for supply_mv in (4600, 5400):
        street = Street(supply=True)
        street.supply_mv = supply_mv
        street.mv = mv_of(1000, supply_mv)
        street.run(60)
        assert abs(street.sensor.gas.ratio - 1000) < 20, street.sensor.gas.ratio


def test_the_very_same_reading_for_ten_minutes_is_stuck() -> None:
    street = Street()
    street.run(5)
    street._read_mv = None
    sensor = street.sensor
    sensor._read_mv = lambda: 1111
    assert street.minutes(9)[1] == "ok"
    assert street.minutes(2)[1] == "stuck"
    assert "smoke/state" not in street.values()


def test_steps_that_no_gas_can_make_are_noise() -> None:
    street = Street()
    street.run(5)
    for second in range(300):
        street.run(1, 600 if second % 7 else 1000)
        street.run(1, 1000)
    assert street.sensor.health == "noisy"
    assert all(state != "alarm" for state, _ in street.told)
    street.minutes(8, 1000)
    assert street.sensor.health == "ok"


def test_a_supervised_line_tells_contact_break_and_short() -> None:
    mv = [1650]
    street = Street(loop=ContactLoop(lambda: mv[0]))
    assert street.run(5) == ("normal", "ok")
    mv[0] = 3150
    assert street.run(3) == ("normal", "open")
    mv[0] = 1650
    assert street.run(1) == ("normal", "ok")
    mv[0] = 490
    assert street.run(1) == ("alarm", "ok")
    mv[0] = 100
    assert street.run(4) == ("alarm", "short")
    assert street.values()["smoke/ratio"].mantissa > 900, "the MQ-2 itself is well"
