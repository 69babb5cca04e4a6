"""Steady time: a wall clock that is set moves no timer, and is noticed."""

import asyncio
import time

import pytest
from haidang_gateway.clock import Clock


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
