"""The street's water, its air, and what an ultrasonic meter hears: the laws hold, seeds repeat."""

import random
import statistics

import pytest
from haidang_board import physics_echoes, physics_traces
from haidang_board.physics_echoes import Frost, Meter, ParkedCar, Passers, Rain, Scene, Web
from haidang_board.physics_water import (
    DayHeat,
    Probe,
    Runoff,
    Tide,
    Water,
    Waves,
    sound_m_s,
)

_HOUR_S = 3600.0
_NAMES = [*physics_traces.DRY, *physics_traces.SWING, *physics_traces.HARD, "flood"]


class _Steady(DayHeat):
    """Air of one temperature."""

    def temp_c(self, time_s: float) -> float:
        return self._low_c


def _heard(scene: Scene, begin_s: float = 0.0, pings: int = 400) -> list[int]:
    meter = Meter(1, scene)
    return [meter.told_mm(begin_s + step * 0.25) for step in range(pings)]


def _scene(**parts: object) -> Scene:
    return Scene(Water(), _Steady(1, 25.0), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("temp_c", [5.0, 25.0, 45.0])
def test_a_meter_without_compensation_errs_with_the_speed_of_sound(temp_c: float) -> None:
    heard = [mm for mm in _heard(Scene(Water(), _Steady(1, temp_c))) if 0 < mm < 5000]
    expected_mm = 3000 * sound_m_s(25.0) / sound_m_s(temp_c)
    assert statistics.mean(heard) == pytest.approx(expected_mm, abs=2)


def test_a_compensated_meter_does_not() -> None:
    meter = Meter(1, Scene(Water(), _Steady(1, 45.0)), compensated=True)
    heard = [mm for mm in (meter.told_mm(step * 0.25) for step in range(400)) if 0 < mm < 5000]
    assert statistics.mean(heard) == pytest.approx(3000, abs=1)


def test_noise_grows_with_the_distance_and_some_echoes_are_lost() -> None:
    near, far = (_heard(_scene(mount_mm=mm), pings=2000) for mm in (500, 3500))
    assert 0 < far.count(0) < 40
    kept = [[mm for mm in heard if 0 < mm < 3600] for heard in (near, far)]
    assert statistics.stdev(kept[1]) > 1.5 * statistics.stdev([mm for mm in kept[0] if mm < 600])


def test_the_nearest_thing_answers_first() -> None:
    scene = _scene(things=[ParkedCar(10, 1000, 1450.0)])
    scene.water.runoffs.append(Runoff(0, 600.0, 5.0, 5000.0))
    assert statistics.median(_heard(scene, 20)) == pytest.approx(1550, abs=5)
    assert statistics.median(_heard(scene, 1000)) == pytest.approx(2400, abs=5)


def test_a_runoff_peaks_in_twenty_minutes_and_drains() -> None:
    runoff = Runoff(100, 600.0)
    levels_mm = [runoff.mm(100 + 60 * minute) for minute in range(21)]
    assert levels_mm == sorted(levels_mm)
    assert (levels_mm[0], levels_mm[-1]) == (0.0, 600.0)
    assert runoff.mm(100 + 8 * _HOUR_S) < 1


def test_tide_comes_twice_a_day_and_waves_need_water() -> None:
    water = Water(Tide(90, 150, 6 * _HOUR_S), waves=Waves(1, 15))
    assert water.level_mm(6 * _HOUR_S) == pytest.approx(240)
    assert water.surface_mm(12.2 * _HOUR_S) == 0
    surface_mm = [water.surface_mm(6 * _HOUR_S + step * 0.25) for step in range(200)]
    assert 4 < statistics.stdev(surface_mm) < 12


def test_a_day_swings_from_its_coldest_to_its_hottest_hour() -> None:
    heat = DayHeat(1, 5.0, 45.0)
    day_c = [heat.temp_c(hour * _HOUR_S) for hour in range(24)]
    assert min(day_c) == day_c[5] == 5.0
    assert 40 < max(day_c) <= 45


def test_a_probe_is_near_the_air_but_late() -> None:
    heat = DayHeat(2, 5.0, 45.0)
    probe = Probe(2, heat)
    errors_c = [probe.temp_c(step * 60.0) - heat.temp_c(step * 60.0) for step in range(1440)]
    assert max(abs(error_c) for error_c in errors_c) < 5
    assert statistics.pstdev(errors_c) > 0.1


def test_people_come_and_go() -> None:
    passers = Passers(3, 0, _HOUR_S, 4.0)
    chance = random.Random(1)
    tops_mm = [passers.top_mm(step * 0.25, chance) for step in range(14400)]
    here = [mm for mm in tops_mm if mm]
    assert 0.03 < len(here) / len(tops_mm) < 0.6
    assert 1000 < statistics.mean(here) < 1700


@pytest.mark.parametrize(
    ("veil", "at_s", "least", "most"),
    [
        (Rain(0, 1e4, 100.0), 100.0, 0.1, 0.45),
        (Web(0, 1e5), 1e4, 0.0, 0.05),
        (Web(0, 1e5), 1e5, 0.8, 0.95),
        (Frost(0, 1e4), 5e3, 0.4, 0.6),
    ],
)
def test_a_veil_answers_near_the_meter(
    veil: physics_echoes.Veil, at_s: float, least: float, most: float
) -> None:
    heard = _heard(_scene(veils=[veil]), at_s, 1000)
    assert least <= sum(0 < mm < 2800 for mm in heard) / len(heard) <= most


@pytest.mark.parametrize("name", _NAMES)
def test_a_named_trace_repeats_with_its_seed_and_tells_the_truth(name: str) -> None:
    def pings(seed: int) -> list[physics_traces.Ping]:
        return list(physics_traces.named(name, seed, 0.01).pings())

    first = pings(4)
    assert first == pings(4)
    assert first != pings(5)
    assert (max(ping.level_mm for ping in first) > 0) == (
        name not in physics_traces.DRY and name != "dry_swing"
    )
