"""The bench of flood runs."""

import pytest
from haidang_board.physics_traces import Ping

from bench import flood


def _told(sensor: flood.Sensor, levels_mm: list[int]) -> int | None:
    for step, level_mm in enumerate(levels_mm):
        sensor.step(step * 250, Ping(step / 4, 3000 - level_mm, 0.0, 25.0))
    return sensor.level_mm()


@pytest.mark.parametrize("make", flood.SENSORS.values(), ids=flood.SENSORS.keys())
def test_each_flood_sensor_follows_a_rise_of_a_hand_a_minute(
    make: type[flood.Node],
) -> None:
    sensor = make()
    told_mm = _told(sensor, [step * 100 // 240 for step in range(240 * 6)])
    assert told_mm is not None
    assert 490 <= told_mm <= 600
    assert sensor.rank == 2


def test_floodnet_s_filter_drops_what_rises_faster_than_its_limit() -> None:
    sensor = flood.SENSORS["floodnet"]()
    assert _told(sensor, [0] * 480 + [1500] * 480) is None
    assert sensor.rank == 0


def test_quick_figures_name_every_sensor() -> None:
    told = flood.figures(quick=True)
    assert {f"flood_{name}" for name in flood.SENSORS if name != "node"} < set(told)
