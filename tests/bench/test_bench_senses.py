"""The benches of smoke and flood run, and what they save of the full rate changes nothing."""

import math

import numpy as np
import pytest
from haidang_board.physics_smoke import Air, Mq2, Plume, smoke_factor
from haidang_board.physics_traces import Ping

from bench import flood, smoke


@pytest.mark.parametrize("age_days", [300])
def test_smoke_skips_nothing_that_matters(age_days: int) -> None:
    air = smoke.Air(3, age_days)
    skipping, full = smoke.Present(), smoke.Present(skip=False)
    for day in range(1):
        mv = air.day(day).mv()
        # Some smoke that crosses every threshold, for a sensor that is quiet by itself.
        mv[40000:40400] = [min(one + at * 4, 2900) for at, one in enumerate(mv[40000:40400])]
        began = [one.feed(day * 86400, mv, [], []) for one in (skipping, full)]
        assert began[0] == began[1] != []
        assert skipping.pre_alarms == full.pre_alarms > 0


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


def _told(sensor: flood.Sensor, levels_mm: list[int]) -> int | None:
    for step, level_mm in enumerate(levels_mm):
        sensor.step(step * 250, Ping(step / 4, 3000 - level_mm, 0.0, 25.0))
    return sensor.level_mm()


@pytest.mark.parametrize("make", flood.SENSORS.values(), ids=flood.SENSORS.keys())
def test_each_flood_sensor_follows_a_rise_of_a_hand_a_minute(
    make: type[flood.Present],
) -> None:
    sensor = make()
    told_mm = _told(sensor, [step * 100 // 240 for step in range(240 * 6)])
    assert told_mm is not None
    assert 490 <= told_mm <= 600
    assert sensor.rank == 2


def test_floodnet_s_filter_drops_what_rises_faster_than_its_limit() -> None:
    sensor = flood.FloodNet()
    assert _told(sensor, [0] * 480 + [1500] * 480) is None
    assert sensor.rank == 0


def test_quick_figures_name_every_sensor() -> None:
    told = flood.figures(quick=True)
    assert {f"flood_{name}" for name in flood.SENSORS if name != "present"} < set(told)
