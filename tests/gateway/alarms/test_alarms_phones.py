"""Phones learn from a camera how many people they stand for, and then agree or not."""

import pytest
from alarm_city import COUNTER, City, brief
from haidang_gateway.alarms.calibration import is_learnt, learn, people_of
from hypothesis import given
from hypothesis import strategies as st


def test_phones_learn_slowly_how_many_people_they_stand_for() -> None:
    factor = None
    for _ in range(9):
        factor = learn(factor, 200, 100)
    assert not is_learnt(factor)
    factor = learn(factor, 200, 100)
    assert is_learnt(factor)
    assert factor["k"] == pytest.approx(2.0)
    low, people, high = people_of(factor, 90, 100, 110)
    assert people == 200
    assert low < 180
    assert high > 220
    moved = learn(factor, 500, 100)["k"] / factor["k"]
    assert 1 < moved <= 1.1


@given(st.lists(st.tuples(st.floats(10, 1e6), st.integers(5, 10**6)), min_size=1, max_size=60))
def test_the_factor_stays_within_its_bounds_and_its_steps(
    windows: list[tuple[float, int]],
) -> None:
    factor = learn(None, *windows[0])
    for people, devices in windows[1:]:
        before, factor = factor["k"], learn(factor, people, devices)
        assert 0.2 * 0.999 <= factor["k"] <= 5 * 1.001
        assert 1 / 1.1001 <= factor["k"] / before <= 1.1001
    low, people_now, high = people_of(factor, 90, 100, 110)
    assert low <= people_now <= high


def _teach(city: City, count: float, devices: int) -> None:
    for _ in range(12):
        city.crowd(count)
        city.wait(1)
        city.phones(devices)
        city.wait(299)


def test_phones_that_learnt_agree_as_people(city: City) -> None:
    _teach(city, 100, 40)
    city.watch_crowd(210, 32)
    (document,) = city.phones(84)
    assert brief([document]) == [("confirmed", "Moderate", "Observed")]
    item = document["evidence"][-1]
    assert (item["source"], item["name"], item["value"]) == (COUNTER, "footfall/people", 210)


def test_phones_that_learnt_disagree_with_far_fewer_and_far_more_people(city: City) -> None:
    _teach(city, 100, 40)
    city.watch_crowd(210, 32)
    assert city.phones(30) == []
    assert city.phones(400) == []


def test_the_same_phones_unlearnt_disagree(city: City) -> None:
    city.watch_crowd(210, 32)
    assert city.phones(84) == []


def test_what_was_learnt_survives_a_restart_and_quiet_hours(city: City) -> None:
    _teach(city, 100, 40)
    city.restart()
    city.watch_crowd(20, 60)
    city.wait(10_000)
    city.watch_crowd(210, 32)
    assert len(city.phones(84)) == 1
