"""The bench of smoke: its pins follow the physics, its sensors judge what they should."""

import math

import numpy as np
import pytest
from haidang_board.physics_fumes import Fire, Plume
from haidang_board.physics_smoke import Air, Mq2, smoke_factor

from bench import smoke, smoke_power
from bench.smoke_fixed import FixedRatio


def test_a_ratio_to_fixed_clean_air_is_judged_as_if_every_second_were_looked_at() -> None:
    mv = smoke.Air(3, 300).day(0).mv()
    mv[40000:40400] = [min(one + at * 4, 2900) for at, one in enumerate(mv[40000:40400])]
    fixed = FixedRatio()
    (began_s,) = fixed.feed(0, mv, [], [])
    assert mv[began_s] * 3 // 2 >= 2500, "half the resistance"
    assert fixed.pre_alarms > 0


def test_the_node_s_sensor_sees_a_fire_on_the_traces_and_no_market_day() -> None:
    day = smoke.Air(3, 300).day(0)
    node = smoke.Node()
    assert node.feed(0, day.mv()[:7200], day.centi_c, day.rh) == []
    fire = Fire(7200.0, 800.0, 120.0, 900.0)
    ppm = np.array([fire.ppm(at) for at in range(7200, 8400)])
    (began_s,) = node.feed(7200, day.mv(7200, ppm), day.centi_c[7200:], day.rh[7200:])
    assert 7200 < began_s < 7320


@pytest.mark.parametrize("probe", [True, False])
def test_minutes_of_clean_air_in_one_step_change_nothing(probe: bool) -> None:
    day = smoke.Air(4, 200).day(0)
    mv = day.mv()[36000:50400]
    # Smoke that crosses every threshold, for a day that is quiet by itself.
    mv[9000:9300] = [min(one + at * 5, 2900) for at, one in enumerate(mv[9000:9300])]
    skipping, full = smoke.Node(probe), smoke.Node(probe, skip=False)
    began = [one.feed(36000, mv, day.centi_c, day.rh) for one in (skipping, full)]
    assert began[0] == began[1] != []
    left = [vars(one.smoke.gas) for one in (skipping, full)]
    assert left[0] == left[1]


def test_power_cuts_of_the_heater_are_no_fire() -> None:
    told = smoke_power.power_ups(2)
    assert (told["false_alarms"], told["fires_missed"]) == (0, 0)


def test_the_pin_follows_the_sensor_s_physics() -> None:
    """The vectorised second steps are those of Mq2."""
    plume = Plume(100.0, 120.0, 20.0, 100.0, 60.0)
    ppm = np.zeros(86400)
    smoke._add(ppm, plume, 0.0)
    day = smoke.Day(np.random.default_rng(1), np.ones(86400), ppm, ppm, ppm)
    stepped = Mq2(1, age_s=1e9)
    clean_ohm = [stepped.step(1.0, Air(0.0, 20.0, 65.0)) for _ in range(600)][-1]
    for at, mv in enumerate(day.mv()[:500]):
        ohm = stepped.step(1.0, Air(plume.ppm(at), 20.0, 65.0))
        output_mv = mv * 1.5
        assert 5000 * (5000 - output_mv) / output_mv / 10000 == pytest.approx(
            ohm / clean_ohm, rel=0.06
        )
    assert smoke_factor(120) == pytest.approx(math.exp(-0.6 * math.log(1.6)))


def test_quick_figures_name_every_sensor() -> None:
    told = smoke.figures(quick=True)
    assert {f"smoke_{name}" for name in smoke.SENSORS if name != "node"} < set(told)
    assert told["false_alarms_per_year"] == told["fires_missed"] == 0
