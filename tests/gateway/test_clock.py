"""Steady time: a wall clock that is set moves no timer, and is noticed."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from haidang_gateway.app import App
from haidang_gateway.clock import Clock
from haidang_gateway.errors import ClockStepped
from haidang_gateway.store import clock_step
from haidang_gateway.store.schema import reading
from haidang_gateway.watchdog import Watchdog
from pipeline_kit import city_settings


def test_a_wall_clock_that_is_set_back_moves_nothing_and_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    before_ms = clock.now_ms()
    assert abs(clock.stepped_ms()) <= 1
    real_ns = time.time_ns
    monkeypatch.setattr("haidang_gateway.clock.time.time_ns", lambda: real_ns() - 3_600 * 10**9)
    assert 0 <= clock.now_ms() - before_ms < 1000
    assert clock.stepped_ms() == pytest.approx(-3_600_000, abs=5)


def test_durations_pass_as_on_a_wall_clock() -> None:
    clock = Clock()
    started_ms, wall_ms = clock.now_ms(), time.time_ns() // 1_000_000
    asyncio.run(asyncio.sleep(0.02))
    passed_ms = clock.now_ms() - started_ms
    assert abs(passed_ms - (time.time_ns() // 1_000_000 - wall_ms)) <= 2


class _SetClock(Clock):
    """Was set by so much."""

    def __init__(self, step_ms: int) -> None:
        super().__init__()
        self.step_ms = step_ms

    def stepped_ms(self) -> int:
        return self.step_ms


@pytest.mark.parametrize("step_ms", [5 * 3_600_000, -5 * 3_600_000, 30_000])
def test_how_far_the_clock_was_set_is_known_to_the_starts_of_the_next_two_hours(
    tmp_path: Path, step_ms: int
) -> None:
    settings = dataclasses.replace(city_settings(), data_dir=tmp_path)
    with pytest.RaisesGroup(ClockStepped):
        asyncio.run(App(settings, _SetClock(step_ms), Watchdog()).run(asyncio.Event()))
    told_ms = step_ms if abs(step_ms) > 60_000 else 0
    set_ms = Clock().now_ms() + step_ms
    with reading(tmp_path / "haidang.db") as connection:
        assert clock_step.lately(connection, set_ms) == told_ms
        assert clock_step.lately(connection, set_ms + 7_100_000) == told_ms
        assert clock_step.lately(connection, set_ms + 7_300_000) == 0
        assert clock_step.lately(connection, set_ms - 3_600_000) == 0
