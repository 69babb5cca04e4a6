"""Fire over time: what is usual at a spot, what flickers, what grows."""

from types import SimpleNamespace

import numpy as np
import pytest
from crew_kit import fire_scores
from haidang_gateway.vision.fire import Vote
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import WorkerSettings
from haidang_gateway.vision.liveliness import Flicker, Growth
from haidang_gateway.vision.observer import Observer
from haidang_gateway.vision.usual import Usual
from hypothesis import given, settings
from hypothesis import strategies as st

LIMIT = 0.85
MINUTE_MS = 60_000
BOX = (0.5, 0.5, 0.3, 0.3)


def spot(row, column, score=0.9):
    cells = np.full((10, 10), 0.05, np.float32)
    cells[row, column] = score
    return cells


def learnt(scores, *, minutes, cells=None, alarmed=False):
    """What is usual after so long, one look a second thinned as it comes; scores repeat."""
    usual = Usual(LIMIT)
    for i in range(minutes * 4):
        cell = spot(5, 1, scores[i % len(scores)]) if cells is None else cells
        usual.learn(scores[i % len(scores)], cell, i * 15_000, alarmed=alarmed)
    return usual


def test_a_lantern_that_scores_high_every_evening_no_longer_votes():
    usual = learnt([0.9], minutes=60)
    assert usual.fair(0.9, spot(5, 1)) < LIMIT


def test_flames_at_another_spot_count_as_before():
    usual = learnt([0.9], minutes=60)
    assert usual.fair(0.86, spot(1, 6, 0.86)) == 0.86


def test_a_place_without_high_scores_asks_for_nothing_more():
    usual = learnt([0.2, 0.4, 0.1], minutes=600)
    assert usual.fair(0.86, spot(5, 1)) == 0.86


def test_a_verdict_slows_learning_down():
    quick = learnt([0.9], minutes=30).fair(0.9, spot(5, 1))
    slow = learnt([0.9], minutes=30, alarmed=True).fair(0.9, spot(5, 1))
    assert quick < LIMIT <= slow


def test_what_was_usual_is_forgotten_when_it_stops():
    usual = learnt([0.9], minutes=60)
    quiet = np.full((10, 10), 0.02, np.float32)
    for i in range(20_000):
        usual.learn(0.02, quiet, 60 * MINUTE_MS + i * 30_000, alarmed=False)
    assert usual.fair(0.9, spot(5, 1)) == 0.9


def test_a_strong_fire_counts_as_it_is_even_where_strong_scores_are_usual():
    usual = learnt([0.99], minutes=60)
    assert usual.fair(0.98, spot(5, 1, 0.98)) == 0.98
    assert usual.fair(0.96, spot(5, 1, 0.96)) < LIMIT


def test_a_little_more_than_is_usual_does_not_vote_either():
    usual = learnt([0.9], minutes=60)
    assert usual.fair(0.93, spot(5, 1, 0.93)) < LIMIT


def test_what_shines_in_each_twentieth_look_becomes_usual():
    usual = learnt([0.9] + [0.1] * 39, minutes=24 * 60)
    assert usual.fair(0.9, spot(5, 1)) < LIMIT


def test_the_score_of_a_picture_belongs_to_its_strongest_cell_however_low_that_is():
    usual = learnt([0.9], minutes=60, cells=spot(5, 1, 0.5))
    assert usual.fair(0.9, spot(5, 1, 0.5)) < LIMIT


@pytest.mark.parametrize(("beside", "usual_too"), [(0.5, True), (0.4, False)])
def test_cells_nearly_as_strong_share_the_score_of_the_picture(beside, usual_too):
    both = spot(5, 1, 0.6)
    both[2, 2] = beside
    usual = learnt([0.9], minutes=60, cells=both)
    assert (usual.fair(0.9, spot(2, 2)) < LIMIT) == usual_too


@pytest.mark.parametrize(("from_hour", "usual_within_an_hour"), [(12, True), (25, False)])
def test_what_begins_on_the_first_day_is_usual_soon_and_later_not(from_hour, usual_within_an_hour):
    usual = learnt([0.1], minutes=from_hour * 60)
    for look in range(120):
        at_ms = from_hour * 60 * MINUTE_MS + look * 30_000
        usual.learn(0.9, spot(5, 1), at_ms, alarmed=False)
    assert (usual.fair(0.9, spot(5, 1)) < LIMIT) == usual_within_an_hour


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.integers(0, 6),
    st.integers(0, 6),
    st.floats(0, 1),
)
def test_a_strong_fire_always_counts_and_a_score_is_never_raised(scores, row, column, score):
    usual = Usual(LIMIT)
    for i in range(150):
        value = scores[i % len(scores)]
        usual.learn(value, spot(row, column, value), i * 30_000, alarmed=False)
    fair = usual.fair(score, spot(row, column, score))
    assert fair <= score
    if score >= usual.strong:
        assert fair == score


@pytest.mark.parametrize(
    "kept",
    [
        {},
        [],
        None,
        {"begun_ms": 1, "cells": "a"},
        {"begun_ms": 1, "cells": [[0.1], [0.1, 0.2]]},
        {"begun_ms": 1, "cells": [[float("nan")]]},
        {"begun_ms": "a", "cells": [[0.1]]},
        {"begun_ms": 1, "cells": {"a": 1}},
    ],
)
def test_what_does_not_look_like_learnt_is_learnt_anew(kept):
    usual = Usual(0.8)
    usual.take_over(kept)
    assert usual.to_json() == {"begun_ms": None, "cells": []}


def test_what_was_learnt_goes_through_a_file():
    usual, again = learnt([0.9], minutes=60), Usual(LIMIT)
    again.take_over(usual.to_json())
    assert again.fair(0.9, spot(5, 1)) == pytest.approx(usual.fair(0.9, spot(5, 1)), abs=1e-3)
    again.take_over({"begun_ms": "soon", "cells": []})
    assert again.fair(0.9, spot(5, 1)) == 0.9


def lit(light):
    return SimpleNamespace(luma=np.full((90, 160), light, np.uint8))


def flickers(hz, *, fps=10.0, swing=0.2, seconds=4):
    flicker, told = Flicker(), False
    for i in range(int(seconds * fps)):
        at_s = i / fps
        light = 120 * (1 + swing * np.sin(2 * np.pi * hz * at_s + 0.3))
        told = flicker.see(lit(light), BOX, int(at_s * 1000))
    return told


@pytest.mark.parametrize("hz", [1.5, 3.0, 4.5])
def test_flames_flicker(hz):
    assert flickers(hz)


def test_a_lamp_a_slow_sign_and_a_steady_spot_do_not():
    assert not flickers(0.3)
    assert not flickers(3.0, swing=0.0)


def test_flicker_is_not_judged_from_too_few_pictures_a_second():
    assert not flickers(0.4, fps=1.0, seconds=60)
    assert not flickers(1.5, fps=4.0, seconds=10)


def test_a_spot_elsewhere_begins_anew():
    flicker = Flicker()
    for i in range(40):
        where = (0.2, 0.2, 0.1, 0.1) if i % 2 else (0.8, 0.8, 0.1, 0.1)
        assert not flicker.see(lit(60 + 100 * (i % 2)), where, i * 100)


def grown(areas):
    growth, told = Growth(), False
    for i, area in enumerate(areas):
        cells = np.zeros((10, 10), np.float32)
        cells.flat[:area] = 0.9
        told = growth.see(cells, 0.9, i * 1000)
    return told


def test_smoke_that_spreads_grows_and_what_stays_does_not():
    assert grown([1, 1, 2, 2, 3, 4, 4, 5, 6, 8, 9, 12])
    assert not grown([4] * 12)
    assert not grown([9, 8, 7, 6, 5, 4, 3, 3, 2, 2, 1, 1])
    assert not grown([0] * 8 + [4] * 4), "what was not there cannot have grown"


def test_what_behaves_like_fire_needs_three_quarters_of_the_votes():
    def votes(alive):
        vote = Vote(threshold=LIMIT, need=8, of=12)
        for i in range(12):
            told = vote.see(0.9, i * 200, alive=alive)
            if told is not None and told.active:
                return i + 1
        return None

    assert (votes(False), votes(True)) == (8, 6)


def pictures_to_alarm(threshold, before, burning, *, step_ms):
    """How many of the burning pictures, (cells, light), raise an alarm after those before."""
    networks = SimpleNamespace(fire_threshold=threshold, smoke_threshold=threshold)
    settings = WorkerSettings(id="c", source="/nowhere", models_dir="", clock_offset_ms=0)
    observer = Observer(networks, settings)
    for number, (cells, light) in enumerate(before + burning):
        networks.fire = lambda picture, cells=cells: fire_scores(float(cells.max()), cells)
        luma = np.full((90, 160), light, np.uint8)
        at_ms = 1_000_000 + number * step_ms
        frame = Frame(number=1, at_ms=at_ms, width=160, height=90, make=lambda *_, x=luma: x)
        lines = observer.see(frame)
        if number >= len(before) and any(line.active for line in lines):
            return number + 1 - len(before)
    return None


def test_flicker_is_seen_from_pictures_on_that_only_wake_the_camera():
    light = [100, 150, 100, 60] * 8
    suspicious = [(spot(5, 1, 0.35), light[i]) for i in range(20)]
    steady = [(cells, 100) for cells, _ in suspicious]
    burning = [(spot(5, 1, 0.9), light[i]) for i in range(12)]
    assert pictures_to_alarm(0.5, suspicious, burning, step_ms=100) == 6
    assert pictures_to_alarm(0.5, steady, [(x, 100) for x, _ in burning], step_ms=100) == 8


def test_growth_is_seen_from_pictures_on_that_only_have_hot_cells():
    def spread(cells, score):
        seen = np.full((10, 10), 0.05, np.float32)
        seen.flat[:cells] = score
        return seen, 100

    suspicious = [spread(2 + i, 0.52) for i in range(20)]
    burning = [spread(24 + 2 * i, 0.95) for i in range(12)]
    assert pictures_to_alarm(0.9, suspicious, burning, step_ms=1000) == 6
    assert pictures_to_alarm(0.9, [spread(2, 0.1)] * 20, burning, step_ms=1000) == 8


def test_a_fire_that_burns_for_half_an_hour_alarms_again_where_it_comes_back():
    fire, quiet = (spot(5, 1, 0.9), 100), (spot(5, 1, 0.05), 100)
    long_ago = [fire] * 900 + [quiet] * 60
    assert pictures_to_alarm(LIMIT, long_ago, [fire] * 12, step_ms=2000) == 8
