"""The sensors' bench runs, and says so where a part cannot be measured."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from haidang_board.physics_traces import Ping

from bench import flood, sampling, sensors


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


def test_no_sampling_step_allocates_and_every_module_has_a_size() -> None:
    told = sampling.figures()
    assert told["sampling_steps_that_allocate"] == 0
    assert {"mpy_bytes_smoke", "mpy_bytes_flood", "mpy_bytes_footfall"} < set(told)


def test_a_part_that_fails_is_named_and_fails_the_bench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sampling, "_STEPS", sampling._STEPS.with_name("upy_absent.py"))
    monkeypatch.setattr(sensors, "ProcessPoolExecutor", ThreadPoolExecutor)
    assert sensors.main(["--quick", "--only", "sampling"]) == 1
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "sampling" in document["failed"]
    assert not document["ok"]
