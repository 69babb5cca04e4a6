"""Where people are few their heads' peaks count, where they are many the density does."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from haidang_gateway.errors import ModelError
from haidang_gateway.vision.heads import peaks, people_map
from haidang_gateway.vision.picture import CrowdSpec, count_people
from hypothesis import given
from hypothesis import strategies as st

SPEC = CrowdSpec(
    width=512, height=384, person_px=60.0, error_share=0.3, error_floor=2.0,
    peak_least=0.4, sparse_below=3.0, dense_from=8.0,
)  # fmt: skip
LIMITS = {"tile": (16, 16), "peak_least": 0.4, "sparse_below": 3.0, "dense_from": 8.0}


def _seen(density: float = 0.0) -> np.ndarray:
    """An answer with that many people in each tile of 16 x 16, evenly, and no peaks."""
    seen = np.zeros((48, 64, 2), np.float32)
    seen[..., 0] = density / 256
    return seen


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 20)), unique=True, max_size=40))
def test_peaks_apart_from_each_other_are_all_found(places: list[tuple[int, int]]) -> None:
    sure = np.zeros((48, 64), np.float32)
    for row, column in places:
        sure[row * 3, column * 3] = 0.9
        sure[row * 3 : row * 3 + 2, column * 3 + 1] = 0.6
    found = peaks(sure, 0.4)
    assert {(int(y), int(x)) for y, x in np.argwhere(found)} == {
        (row * 3, column * 3) for row, column in places
    }


def test_equal_neighbours_are_one_head_and_weak_ones_none() -> None:
    sure = np.zeros((48, 64), np.float32)
    sure[10:12, 20:22] = 0.75
    sure[30, 30] = 0.39
    assert peaks(sure, 0.4).sum() == 1
    assert peaks(np.full((48, 64), 0.2, np.float32), 0.4).sum() == 0


@given(st.integers(0, 2**32 - 1))
def test_a_peak_is_as_sure_as_each_of_its_neighbours(seed: int) -> None:
    sure = np.random.default_rng(seed).random((12, 16), np.float32)
    for row, column in np.argwhere(peaks(sure, 0.4)):
        around = sure[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        assert sure[row, column] >= max(0.4, float(around.max()) - 1e-3)


def test_each_tile_is_counted_in_its_own_way() -> None:
    seen = _seen()
    seen[:16, :16, 0] = 20 / 256
    seen[5, 5, 1] = seen[40, 60, 1] = seen[20, 40, 1] = 0.9
    people = people_map(seen, **LIMITS)
    assert people[:16, :16].sum() == pytest.approx(20.0), "many: a peak there adds nothing"
    assert people.sum() == pytest.approx(22.0)
    assert people[40, 60] == people[20, 40] == 1.0


def test_between_few_and_many_the_count_changes_without_a_jump() -> None:
    counts = []
    for crowd in np.linspace(2.0, 9.0, 71):
        seen = _seen()
        seen[:16, :16, 0] = crowd / 256
        seen[2:14:4, 2:14:4, 1] = 0.9
        counts.append(float(people_map(seen, **LIMITS).sum()))
    assert counts[0] == pytest.approx(9.0)
    assert counts[-1] == pytest.approx(9.0, abs=1e-3)
    assert max(abs(b - a) for a, b in pairwise(counts)) < 0.25


def test_a_network_without_peaks_counts_by_density_alone() -> None:
    seen = _seen(1.0)[..., :1]
    assert people_map(seen, **LIMITS).sum() == pytest.approx(12.0)


def test_a_count_comes_out_of_both_maps_in_tiles_and_shrunken() -> None:
    answer = np.zeros((48, 64, 2), np.float32)
    answer[24, 32, 1] = answer[24, 20, 1] = 0.8
    picture = np.zeros((384, 512, 3), np.uint8)
    assert count_people(picture, None, lambda _: (answer,), SPEC).count == 2.0
    assert count_people(picture, 30.0, lambda _: (answer,), SPEC).count == 8.0
    near = count_people(picture, 120.0, lambda _: (answer,), SPEC)
    assert near.count == 2.0
    assert near.density_map.shape == (24, 32)


def test_hardly_anybody_in_a_picture_of_unknown_scale_is_looked_at_again_from_farther_away() -> (
    None
):
    spec, asked, crowd = replace(SPEC, farther_look_below=3.0), [], 0

    def nearby(picture: np.ndarray) -> tuple[np.ndarray, ...]:
        """Two people who are seen only when they are small; the whole shows `crowd` others."""
        whole = picture[0, 0, 0] == 0
        asked.append(whole)
        answer = np.zeros((48, 64, 2), np.float32)
        heads = [(24, c) for c in range(4, 4 + 5 * crowd, 5)] if whole else [(20, 30), (28, 36)]
        for place in heads:
            answer[(*place, 1)] = 0.8
        return (answer,)

    picture = np.zeros((384, 512, 3), np.uint8)
    for others, counted, looks in ((0, 2.0, 2), (1, 2.0, 2), (3, 3.0, 1)):
        crowd = others
        asked.clear()
        assert count_people(picture, None, nearby, spec).count == counted
        assert len(asked) == looks
    asked.clear()
    count_people(picture, 60.0, nearby, spec)
    assert asked == [True], "whoever told the scale is looked at once"


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3)])
def test_an_answer_of_another_form_is_refused(shape: tuple[int, ...]) -> None:
    picture = np.zeros((384, 512, 3), np.uint8)
    with pytest.raises(ModelError, match="unexpected outputs"):
        count_people(picture, None, lambda _: (np.zeros(shape, np.float32),), SPEC)
