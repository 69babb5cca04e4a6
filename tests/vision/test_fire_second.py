"""The fire model's second stage: thin smoke and nights are labelled as they look."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models.rows import Row
from models.train import fire_fakes, fire_night, fire_pictures, fire_second, fire_smoke, fire_views

ORANGE, WHITE, GREY = (250, 120, 20), (250, 250, 250), (100, 100, 100)
MIDDLE = (0.5, 0.5, 0.5, 0.5)
DOUBTED = "f8_pexels_alan_w_8365989_mp4_15_a0339.jpg"


def scene(colour=GREY, kind=None):
    """One colour all over; of a kind, it is boxed in the middle."""
    picture = np.full((90, 120, 3), colour, np.uint8)
    boxes = [(kind, MIDDLE)] if kind else []
    return fire_pictures.Scene(picture, frozenset(filter(None, [kind])), boxes, True)


def drawn(seed):
    return np.random.default_rng(seed)


def row(folder, name, labels, *, source="fire-8", boxes=()):
    path = folder / name
    Image.fromarray(scene().picture).save(path)
    known = {"boxes": tuple(boxes), "points": None, "count": None, "smoke_unlabelled": False}
    return Row(path, name, 120, 90, frozenset(labels), source=source, **known)


def rows(folder):
    return [
        row(folder, "room.png", ["normal"]),
        row(folder, "street.png", ["normal"], source="hcmc-street-cam"),
        row(folder, "smoke.png", ["smoke"], boxes=[("smoke", MIDDLE)]),
        row(folder, "fire.png", ["fire"], boxes=[("fire", MIDDLE)]),
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("indoors", [True, False])
def test_drawn_smoke_is_labelled_where_it_is(seed, indoors):
    sample = fire_smoke.drifting(scene(), drawn(seed), indoors=indoors)
    assert sample.label.tolist() == [0, 1]
    assert not sample.cells[..., 0].any()
    assert sample.cells_weight[..., 0].all()
    assert sample.cells[..., 1].any()
    if sample.label_weight[1]:
        # What is smoke counts, and so does what is clearly none; its edge does not.
        assert sample.cells_weight[..., 1][sample.cells[..., 1] > 0].all()


def test_smoke_that_nobody_can_see_teaches_nothing():
    hidden = fire_smoke.lifted(scene(GREY), scene(GREY, "smoke"), drawn(1))
    assert hidden.label_weight.tolist() == [1, 0]
    assert not hidden.cells_weight[..., 1].any()
    seen = fire_smoke.lifted(scene((20, 20, 20)), scene(WHITE, "smoke"), drawn(2))
    assert seen.label_weight.tolist() == [1, 1]
    assert seen.cells_weight[..., 1].any()


@pytest.mark.parametrize("make", [fire_night.glaring, fire_smoke.backlit])
@pytest.mark.parametrize("seed", range(4))
def test_lights_burn_the_picture_out_and_are_normal(make, seed):
    sample = make(scene(), drawn(seed))
    assert not sample.label.any()
    assert not sample.cells.any()
    assert sample.label_weight.all()
    assert sample.cells_weight.all()


def test_most_nights_are_dark_and_glare():
    nights = [fire_night.glaring(scene(), drawn(seed)).picture for seed in range(12)]
    assert np.median([night.mean() for night in nights]) < GREY[0]
    assert sum(int(night.max()) > 230 for night in nights) > len(nights) / 2


def test_a_white_spot_is_never_shown_as_a_fire_by_night(monkeypatch):
    monkeypatch.setattr(fire_fakes, "pasted", None)  # whoever pasted it would fail
    for seed in range(5):
        sample = fire_night.burning(scene(), scene(WHITE, "fire"), drawn(seed))
        assert sample.label.tolist() == [1, 1]


def test_real_flames_are_pasted_into_the_night():
    samples = [
        fire_night.burning(scene(), scene(ORANGE, "fire"), drawn(seed)) for seed in range(8)
    ]
    assert all(sample.label[0] for sample in samples)
    assert any(sample.label_weight[1] == 0 for sample in samples)


def test_the_second_stage_draws_on_true_rows_alone_and_always_alike(tmp_path):
    doubted = row(tmp_path, DOUBTED, ["normal"])
    first, again = (fire_second.views([*rows(tmp_path), doubted], 3) for _ in range(2))
    assert [(v.rows, v.seed) for v in first] == [(v.rows, v.seed) for v in again]
    assert len({view.seed for view in first}) == len(first)
    assert all(doubted not in view.rows for view in first)
    bases = {view.rows[0].image.name for view in first}
    assert bases == {"room.png", "street.png"}
    for one, other in zip(first[::12], again[::12], strict=True):
        np.testing.assert_array_equal(one().picture, other().picture)


def test_a_third_of_the_first_stage_stays_but_no_fog_in_rooms(tmp_path):
    plan = fire_views.views(rows(tmp_path), rows(tmp_path), 1)
    some = fire_second.thinned(plan, [Path("views-0")])
    kept = [plan[index] for index in some[Path("views-0")]]
    assert len(plan) // 3 - 1 <= len(kept) <= len(plan) // 3 + 1
    foggy = [v for v in plan if fire_second.fog_in_a_room(v)]
    assert foggy
    assert not set(foggy) & set(kept)
    assert not fire_second.fog_in_a_room(replace(foggy[0], rows=(rows(tmp_path)[1],)))


def test_the_hardest_views_count_thrice_and_the_most_wrong_not_at_all():
    one, other = Path("views-0"), Path("views-512")
    chosen = {one: np.arange(0, 300, 3), other: np.arange(0, 300, 3)}
    losses = np.linspace(0, 0.1, 200)
    losses[:19] = 1.0
    losses[150] = 9.0
    weighed = fire_second.weighed(chosen, losses)
    assert weighed[one].tolist()[:7] == [0, 0, 0, 3, 3, 3, 6]
    assert len(weighed[one]) == 19 * 3 + 81
    assert weighed[other].tolist() == [view for view in range(0, 300, 3) if view != 150]
