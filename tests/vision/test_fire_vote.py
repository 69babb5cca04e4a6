"""The vote over time: enough pictures at one spot alarm, nothing less does."""

from itertools import pairwise

import numpy as np
import pytest
from haidang_gateway.errors import ConfigError
from haidang_gateway.vision.fire import Vote
from hypothesis import given
from hypothesis import strategies as st

STEP_MS = 200
START_MS = 1_764_000_000_000
BURNS = (0.2, 0.8, 0.1, 0.1)


def feed(vote, scores, *, start=0, cells=None):
    """The verdicts of a run of scores, one picture each 200 ms."""
    at = [START_MS + (start + i) * STEP_MS for i in range(len(scores))]
    seen = [vote.see(s, t, cells=cells) for s, t in zip(scores, at, strict=True)]
    return [verdict for verdict in seen if verdict is not None]


def vote(threshold=0.5, need=4, of=8):
    return Vote(threshold=threshold, need=need, of=of)


def spot(row, column):
    cells = np.zeros((10, 10), dtype=np.float32)
    cells[row, column] = 0.9
    return cells


def test_four_of_eight_high_pictures_raise_once():
    verdicts = feed(vote(), [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9])
    assert [(v.active, v.score) for v in verdicts] == [(True, 0.9)]


def test_three_of_eight_never_raise():
    verdicts = feed(vote(), [0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1] * 3)
    assert not any(v.active for v in verdicts)


def test_high_scores_that_jump_about_the_picture_do_not_add_up():
    jumping = vote()
    corners = [spot(0, 0), spot(0, 6), spot(6, 0), spot(6, 6)]
    verdicts = [jumping.see(0.9, START_MS + i * STEP_MS, cells=corners[i % 4]) for i in range(12)]
    assert not any(v is not None and v.active for v in verdicts)


def test_flames_that_wander_by_one_cell_add_up():
    wandering = vote()
    cells = [spot(3, 3), spot(3, 4), spot(4, 4), spot(3, 4)]
    verdicts = [wandering.see(0.9, START_MS + i * STEP_MS, cells=cells[i]) for i in range(4)]
    assert verdicts[-1] is not None
    assert verdicts[-1].active


def test_active_lasts_at_four_fifths_of_the_threshold_and_ends_below():
    held = vote()
    assert feed(held, [0.6] * 4)[-1].active
    assert feed(held, [0.42] * 20, start=4) == []
    verdicts = feed(held, [0.38] * 8, start=24)
    assert [(v.active, v.box) for v in verdicts] == [(False, None)]


def test_a_high_score_elsewhere_neither_ends_a_fire_nor_moves_it():
    burning, headlight = spot(5, 1), spot(0, 6)
    held, told = vote(), []
    for i in range(60):
        at_ms = START_MS + i * 5 * STEP_MS
        cells, box = (headlight, (0.9, 0.1, 0.1, 0.1)) if i % 7 == 6 else (burning, BURNS)
        told.append(held.see(0.9, at_ms, cells=cells, box=box))
    verdicts = [verdict for verdict in told if verdict is not None]
    assert [v.active for v in verdicts] == [True] * 6
    assert {v.box for v in verdicts} == {BURNS}
    assert [v.active for v in feed(held, [0.1] * 8, start=300)] == [False]


def test_a_fire_begins_at_the_spot_of_the_newest_picture_alone():
    # The middle touches left and right, which do not touch each other.
    left, middle, right = spot(3, 1), spot(3, 3), spot(3, 5)
    begun = vote()
    assert [begun.see(0.9, START_MS + i * STEP_MS, cells=cells)
            for i, cells in enumerate((left, left, middle, right))] == [None] * 4  # fmt: skip


def test_of_two_fires_the_box_is_that_of_the_newer_one():
    both, told = vote(), []
    for i in range(10):
        cells, box = (spot(5, 1), BURNS) if i % 2 else (spot(0, 0), (0.1, 0.1, 0.1, 0.1))
        at_ms = START_MS + i * STEP_MS + 10_000 * (i == 9)
        told.append(both.see(0.9, at_ms, cells=cells, box=box))
    assert [v.active for v in told if v is not None] == [True, True]
    assert told[-1].box == BURNS


def test_active_is_repeated_every_ten_seconds():
    verdicts = feed(vote(), [0.9] * 160)
    assert [v.active for v in verdicts] == [True] * 4
    assert verdicts[1].at_ms - verdicts[0].at_ms == 10_000


def test_a_new_vote_says_once_that_all_is_quiet():
    verdicts = feed(vote(), [0.0] * 100)
    assert [v.active for v in verdicts] == [False]


def test_votes_from_before_a_long_gap_are_forgotten():
    gap = vote()
    feed(gap, [0.9] * 3)
    assert gap.see(0.9, START_MS + 120_000) is None


def test_impossible_numbers_are_refused():
    with pytest.raises(ConfigError, match="9 of 8"):
        vote(need=9)


@given(st.lists(st.floats(0, 1), max_size=45))
def test_verdicts_alternate_and_need_enough_high_pictures(scores):
    verdicts = feed(vote(), scores)
    # 45 pictures last 9 s: no repeats yet.
    states = [v.active for v in verdicts]
    assert all(before != after for before, after in pairwise(states))
    if any(states):
        assert sum(s >= 0.5 for s in scores) >= 4


@given(st.lists(st.floats(0, 1), min_size=8, max_size=40), st.floats(0, 1))
def test_higher_scores_never_raise_later(scores, more):
    first = next((v.at_ms for v in feed(vote(), scores) if v.active), None)
    raised = [max(s, more) for s in scores]
    sooner = next((v.at_ms for v in feed(vote(), raised) if v.active), None)
    assert first is None or (sooner is not None and sooner <= first)
