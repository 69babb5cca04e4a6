"""Smoke: what is fire and what is not, latch, siren, button, contact."""

import micropython
from haidang_node.sensors.contact_loop import ContactLoop

from smoke_street import Air, Street, mv_of


def test_clean_air_is_normal_and_measured() -> None:
    street = Street()
    assert street.run(5) == ("normal", "ok")
    values = street.values()
    assert abs(values["smoke/mv"] - mv_of(1000)) <= 3
    assert abs(values["smoke/ratio"].mantissa - 1000) < 5
    assert values["smoke/ratio"].decimals == 3
    assert values["smoke/contact"] is False
    assert street.sensor.normal
    assert street.told == [("normal", "ok")]


def test_a_fire_is_a_pre_alarm_and_ten_seconds_later_an_alarm_a_spike_is_nothing() -> None:
    street = Street()
    street.run(30)
    street.run(1, 450)
    street.run(10, 1000)
    assert street.told == [("normal", "ok")]
    street.run(5, 640)
    assert street.sensor.state == "pre_alarm"
    street.run(9)
    assert street.sensor.state == "alarm"
    assert not street.sensor.normal


def test_dense_smoke_is_an_alarm_within_six_seconds() -> None:
    street = Street()
    street.run(30)
    street.run(6, 300)
    assert street.sensor.state == "alarm"


def test_what_falls_slowly_is_no_alarm_until_it_is_deep() -> None:
    # A sensor that ages and a humid evening: 10 permille a minute.
    street = Street()
    street.minutes(5)
    for permille in range(1000, 640, -10):
        assert street.minutes(1, permille)[0] != "alarm", permille
    assert street.minutes(2, 500)[0] == "alarm"


def test_smoke_that_is_there_at_the_start_is_an_alarm_too() -> None:
    street = Street()
    street.run(32, 450)
    assert street.sensor.state == "alarm"


def test_a_pre_alarm_lasts_for_the_verification_window_after_the_smoke() -> None:
    street = Street()
    street.run(10)
    street.run(5, 700)
    assert street.sensor.state == "pre_alarm"
    assert street.run(55, 900)[0] == "pre_alarm"
    assert street.run(10)[0] == "normal"


def test_smoke_that_comes_in_gusts_is_one_detection() -> None:
    street = Street()
    street.run(30)
    for _ in range(4):
        street.run(6, 600)
        street.run(2, 700)
    assert street.sensor.state == "alarm"


def test_an_alarm_latches_until_the_air_was_clean_for_latch_s() -> None:
    street = Street(latch_s=120)
    street.run(10)
    street.run(12, 500)
    assert street.run(100, 1000)[0] == "alarm"
    assert street.run(5, 700)[0] == "alarm"
    assert street.run(115, 1000)[0] == "alarm"
    assert street.run(10)[0] == "normal"


def test_without_latch_s_only_a_person_ends_an_alarm() -> None:
    street = Street(latch_s=0)
    street.run(10)
    street.run(12, 500)
    assert street.run(400, 1000)[0] == "alarm"
    assert street.sensor.silence()
    assert street.run(2)[0] == "normal"


def test_the_siren_sounds_temporal_three_without_any_network() -> None:
    street = Street(latch_s=0)
    street.run(10)
    street.run(8, 300)
    street.tones.clear()
    street.run(12)
    on = [at_ms for at_ms, level in street.tones if level]
    assert len(on) == 9
    gaps = [on[i + 1] - on[i] for i in range(8)]
    assert sorted(gaps)[:5] == [1000] * 5
    assert set(gaps) == {1000, 2000}
    steady = Street(siren_steady=True)
    steady.run(10)
    steady.run(20, 300)
    assert steady.siren == 1
    assert len(steady.tones) == 1


def test_the_button_silences_the_siren_and_not_the_alarm() -> None:
    street = Street(latch_s=600)
    street.run(10)
    street.run(20, 500)
    street.pressed = 1
    street.run(2)
    street.tones.clear()
    assert street.run(590)[0] == "alarm"
    assert street.tones == []
    # After ten minutes it is still burning: it sounds again.
    street.run(20)
    assert street.tones
    street.pressed = 0
    street.run(3)
    street.pressed = 1
    street.run(1)
    # Somebody knows: a minute of clean air is enough now.
    assert street.run(55, 1000)[0] == "alarm"
    assert street.run(10)[0] == "normal"
    assert street.siren == 0


def test_a_stuck_button_or_its_loose_wire_silences_no_later_alarm() -> None:
    for released in (0, 1):
        street = Street()
        for turn in range(40):
            street.pressed = 1 - turn % 2 * released
            street.run(1)
        street.tones.clear()
        for turn in range(40):
            street.pressed = 1 - turn % 2 * released
            street.run(1, 500)
        assert len(street.tones) > 20, released


def test_an_alarm_stays_latched_over_a_reset() -> None:
    street = Street()
    street.run(10)
    # Not deep enough to be found anew without its fall.
    street.run(60, 620)
    street.learn_now()
    street.closed = 1
    street.run(1)
    street.learn_now()
    assert street.flash.marks == [1 | 2 << 1, 1 | 3 << 1]
    again = Street(learnt=(1000, 10, street.flash.marks[-1]))
    assert again.run(3, 620) == ("alarm", "ok")
    assert again.siren or again.tones
    assert again.run(18, 1000)[0] == "alarm"
    assert again.run(10)[0] == "normal"
    again.learn_now()
    assert again.flash.marks == [1]


def test_a_new_source_sounds_though_the_first_was_silenced() -> None:
    street = Street(latch_s=600)
    street.run(10)
    street.run(20, 500)
    assert street.sensor.silence()
    street.run(1)
    street.tones.clear()
    street.run(10)
    assert not street.tones
    street.closed = 1
    street.run(5)
    assert street.tones


def test_the_button_chirps_where_nothing_sounds() -> None:
    street = Street()
    street.run(5)
    street.pressed = 1
    street.run(2)
    assert [level for _, level in street.tones] == [1, 0]
    assert street.tones[1][0] - street.tones[0][0] == 250
    assert not street.sensor.silence()


def test_a_detectors_contact_is_an_alarm_after_one_more_look() -> None:
    street = Street(warmup_s=180)
    street.run(3)
    assert street.sensor.period_ms == 250
    street.closed = 1
    street.sensor.sample(street.at_ms)
    assert street.sensor.state == "warming", "it may bounce"
    assert street.sensor.period_ms == 40
    street.sensor.sample(street.at_ms + 40)
    assert street.sensor.state == "alarm"
    assert street.sensor.period_ms == 250
    street.run(1)
    values = street.values()
    assert values["smoke/state"] == "alarm"
    assert values["smoke/contact"] is True
    assert values["smoke/health"] == "warming"


def test_a_contact_after_a_long_quiet_time_is_no_alarm_that_is_over_already() -> None:
    street = Street(latch_s=1)
    street.run(60)
    street.closed = 1
    for _ in range(2):
        street.sensor.sample(street.at_ms)
        street.at_ms += 40
    for _ in range(20):
        assert street.run(1)[0] == "alarm"


def test_a_contact_that_bounces_is_nothing() -> None:
    street = Street()
    street.run(3)
    for _ in range(20):
        street.closed = 1 - street.closed
        street.sensor.sample(street.at_ms)
        street.at_ms += street.sensor.period_ms
    assert street.sensor.state == "normal"


def test_a_contact_is_an_alarm_with_a_broken_sensor_and_ends_without_it() -> None:
    street = Street()
    street.mv = 0
    street.run(5)
    street.closed = 1
    assert street.run(1) == ("alarm", "open")
    street.closed = 0
    assert street.run(15)[0] == "alarm"
    street.run(10)
    assert street.sensor.state == "warming", "nobody can say normal"


def test_sampling_allocates_nothing_in_any_state() -> None:
    air = Air()
    mv = [1650]
    street = Street(air=air, loop=ContactLoop(lambda: mv[0]), supply=True, latch_s=5)
    sensor = street.sensor
    seen = [mv_of(1000)]
    sensor._read_mv = lambda: seen[0]
    sensor._siren = lambda level: None
    # Clean, smoke, dense, an open wire, a short, a cold heater, gusts; the contact and the button.
    story = (1111, 1500, 2400, 0, 3300, 500, 1111)
    steps = range(90)
    street.run(1)
    micropython.heap_lock()
    try:
        for part in range(140):
            for i in steps:
                seen[0] = story[part % 7] + (i & 3 if part % 7 not in (3, 4) else 0)
                mv[0] = 490 if part % 13 == 5 else 1650
                street.pressed = part & i & 1
                sensor.sample(part * 90000 + i * 1000 & 0x3FFFFFFF)
                sensor.changed()
    finally:
        micropython.heap_unlock()
    assert sensor.gas.mv == seen[0]


def test_air_at_the_edge_of_a_pre_alarm_is_not_told_again_and_again() -> None:
    for pre in (720, 800):
        bench = Street(pre_alarm_permille=pre)
        bench.run(300, 1000)
        told = len(bench.told)
        for second in range(300):
            bench.run(1, pre + 10 - 20 * (second & 1))
        assert len(bench.told) - told == 1
