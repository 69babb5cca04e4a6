"""The fire model's training pictures: boxes follow what is cut, moved and mirrored."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from haidang_gateway.vision.manifest import read_manifest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models.rows import Row
from models.train import fire_fakes, fire_pictures, fire_placing, fire_traps, fire_views

SEEDS = st.integers(0, 2**32)
ORANGE = (250, 120, 20)


def scene(box=None, *, scale=1):
    """A grey picture of 120 x 90 times `scale`, with an orange box where it burns."""
    high, wide = 90 * scale, 120 * scale
    picture = np.full((high, wide, 3), 100, np.uint8)
    if box is None:
        return fire_pictures.Scene(picture, frozenset(), [], True)
    cx, cy, w, h = box
    rows = slice(round((cy - h / 2) * high), round((cy + h / 2) * high))
    picture[rows, round((cx - w / 2) * wide) : round((cx + w / 2) * wide)] = ORANGE
    return fire_pictures.Scene(picture, frozenset({"fire"}), [("fire", box)], True)


def orange_cells(picture):
    """Which cells show the orange box, as a share of their pixels."""
    side, cells = picture.shape[0], fire_pictures.CELLS
    warm = picture[..., 0].astype(int) - picture[..., 2] > 60
    return warm.reshape(cells, side // cells, cells, side // cells).mean(axis=(1, 3))


def row(tmp_path, name, labels, *, source="fire-8", group="", boxes=()):
    path = tmp_path / f"{name}.png"
    Image.fromarray(scene().picture).save(path)
    return Row(
        image=path,
        where=name,
        width=120,
        height=90,
        labels=frozenset(labels),
        boxes=tuple(boxes),
        points=None,
        count=None,
        source=source,
        smoke_unlabelled=False,
        group=group,
    )


def test_training_and_the_shipped_model_have_the_same_size(root):
    for name in ("fire", "fire-research"):
        entry = read_manifest(root / "models", name).fire
        assert (entry.width, entry.height) == (fire_pictures.SIDE_PX, fire_pictures.SIDE_PX)


@pytest.mark.parametrize("mirror", [False, True])
def test_the_map_burns_where_the_picture_does(mirror):
    seen = scene((0.25, 0.65, 0.3, 0.3))
    sample = fire_pictures.plain(fire_pictures.mirrored(seen) if mirror else seen)
    shown = orange_cells(sample.picture)
    assert (sample.cells[..., 0][shown > 0.3] == 1).all()
    assert (sample.cells[..., 0][shown == 0] == 0).all()
    assert sample.cells[..., 1].max() == 0
    assert list(sample.label) == [1, 0]


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_scene_brought_nearer_or_further_keeps_its_fire_in_the_map(seed):
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(0.2, 0.8, 2)
    wide, high = draw.uniform(0.05, 0.35, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fire_placing, "weathered", lambda scene, _: scene)
        sample = fire_placing.scaled(scene((x, y, wide, high), scale=8), scene(), draw)
    assert sample.picture.shape == (fire_pictures.SIDE_PX, fire_pictures.SIDE_PX, 3)
    assert sample.label[0] == 1
    assert sample.cells[..., 0].sum() >= 1
    known = sample.cells_weight[..., 0] > 0
    shown = orange_cells(sample.picture)
    assert (sample.cells[..., 0][known & (shown > 0.3)] == 1).all()
    # A flame smaller than a cell's share still has its middle's cell.
    assert (sample.cells[..., 0][known & (shown == 0)] == 1).sum() <= 1


@settings(max_examples=6, deadline=None)
@given(SEEDS)
@pytest.mark.parametrize(
    "make",
    [
        fire_traps.trapped,
        fire_traps.lamplit,
        fire_traps.foggy,
        fire_traps.coloured,
        fire_traps.sky,
    ],
)
def test_traps_are_normal_pictures_of_the_networks_size(make, seed):
    sample = make(scene(), np.random.default_rng(seed))
    assert sample.picture.shape == (fire_pictures.SIDE_PX, fire_pictures.SIDE_PX, 3)
    assert sample.picture.dtype == np.uint8
    assert not sample.label.any()
    assert not sample.cells.any()
    assert sample.cells_weight.all()


def test_pasted_flames_are_in_the_map_and_say_nothing_about_smoke():
    burning = scene((0.5, 0.5, 0.4, 0.4))
    for seed in range(10):
        sample = fire_fakes.pasted(scene(), burning, np.random.default_rng(seed))
        assert sample.label[0] == 1
        assert sample.cells[..., 0].any()
        assert sample.label_weight[1] == 0
        assert not sample.cells_weight[..., 1].any()


def test_no_clip_is_both_learnt_and_held_out_and_doubted_pictures_are_in_neither(tmp_path):
    rows = [row(tmp_path, f"{c}{i}", ["normal"], group=f"clip{c}") for c in range(9) for i in "ab"]
    doubted = row(tmp_path, "burns", ["normal"], source="kaggle-fire")
    rows.append(replace(doubted, image=tmp_path / "kf_non_fire_20.jpg"))
    learnt, held = fire_views.held_out(rows)
    assert len(learnt) + len(held) == len(rows) - 1
    assert {r.group for r in held} == {"clip3"}
    assert not {r.group for r in learnt} & {r.group for r in held}


def test_views_of_open_pictures_hold_nothing_of_other_sources(tmp_path):
    box = ("fire", (0.5, 0.5, 0.3, 0.3))
    rows = [
        row(tmp_path, "burns", ["fire"], boxes=[box]),
        row(tmp_path, "street", ["normal"], source="hcmc-street-cam"),
        row(tmp_path, "closed", ["normal"], source="weather-web"),
    ]
    free = [r for r in rows if r.source in fire_views.OPEN_LICENCES]
    rows[2].image.unlink()  # whoever took it would fail
    samples = [make() for make in fire_views.views(free, free, 1)]
    assert len(samples) > 20


def test_the_same_seed_makes_the_same_view(tmp_path):
    box = ("fire", (0.5, 0.5, 0.3, 0.3))
    rows = [row(tmp_path, "a", ["fire"], boxes=[box]), row(tmp_path, "b", ["normal"])]
    first, second = (fire_views.views(rows, rows, 1) for _ in range(2))
    for one, other in zip(first[::3], second[::3], strict=True):
        np.testing.assert_array_equal(one().picture, other().picture)
