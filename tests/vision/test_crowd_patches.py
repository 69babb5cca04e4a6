"""People of one frame stand in another: with what the network sees of them, and counted there."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models.rows import Row
from models.train import crowd_patches as patches
from models.train import crowd_views as views
from models.train.crowd_pictures import density_of, peaks_of


class _Views:
    """View n is filled with n; `people` are those of each view, at the same places."""

    def __init__(self, *people: tuple[tuple[float, float], ...]) -> None:
        heads = [
            np.array([(*at, 80.0) for at in its], np.float32).reshape(-1, 3) for its in people
        ]
        self.density = np.stack([density_of(its) for its in heads])
        self.peaks = np.stack([peaks_of(its) for its in heads])

    def __len__(self) -> int:
        return len(self.density)

    def columns(self, numbers):  # type: ignore[no-untyped-def]
        steps = np.stack([np.full((48, 64, 40), number, np.int8) for number in numbers])
        at = np.array(numbers)
        return {"steps": steps, "density": self.density[at], "peaks": self.peaks[at]}

    def tensors(self, columns):  # type: ignore[no-untyped-def]
        return columns


_CROWD = tuple((float(x), float(y)) for x in range(20, 500, 40) for y in range(40, 360, 60))


def _shown(store: _Views, frames: list[int], numbers: list[int], seed: int = 1):  # type: ignore[no-untyped-def]
    return patches.Patched(store, frames, np.random.default_rng(seed)).batch(numbers)


def test_where_features_come_from_another_frame_its_people_come_along() -> None:
    store = _Views((), _CROWD)
    seen = 0
    for seed in range(20):
        batch = _shown(store, [0, 1], [0], seed)
        moved = batch["steps"][0, :, :, 0] == 1
        # Nobody was there before: people are only where the other frame is.
        assert batch["density"][0][~moved].sum() == 0
        assert batch["peaks"][0][~moved].max(initial=0.0) == 0
        seen += int((batch["peaks"][0] > 0.999).sum())
    assert seen > 20


def test_who_is_covered_by_an_empty_piece_is_no_longer_counted() -> None:
    store = _Views((), _CROWD)
    left = [float(_shown(store, [0, 1], [1], seed)["density"].sum()) for seed in range(20)]
    assert min(left) < len(_CROWD) - 3
    for seed in range(20):
        batch = _shown(store, [0, 1], [1], seed)
        covered = batch["steps"][0, :, :, 0] == 0
        assert batch["density"][0][covered].sum() == 0


def test_people_stay_as_high_in_the_picture_as_they_were() -> None:
    # Theirs stand in row 40 alone; whatever is moved there is at most a row off.
    store = _Views((), tuple((float(x), 324.0) for x in range(20, 500, 40)))
    for seed in range(20):
        heads = np.argwhere(_shown(store, [0, 1], [0], seed)["peaks"][0] > 0.999)
        assert all(39 <= row <= 41 for row, _ in heads)


def test_views_of_other_cameras_and_the_kept_ones_stay_as_they_are() -> None:
    store = _Views((), _CROWD, _CROWD)
    batch = _shown(store, [0, 1], [2, 2, 2, 2])
    assert (batch["steps"] == 2).all()
    assert (store.peaks[1] == store.peaks[2]).all()
    _shown(store, [0, 1], [0, 1] * 8)
    assert (store.peaks[1] == store.peaks[2]).all(), "the kept views must not be changed"


def test_the_same_draw_gives_the_same_views() -> None:
    store = _Views((), _CROWD)
    one, again, other = (_shown(store, [0, 1], [0, 1, 0], seed) for seed in (3, 3, 4))
    assert all((one[name] == again[name]).all() for name in one)
    assert any((one[name] != other[name]).any() for name in one)


@pytest.mark.parametrize(("source", "whole"), [("mall", 13), ("penn-fudan", 0)])
def test_only_whole_frames_of_the_fixed_camera_get_parts(source: str, whole: int) -> None:
    row = Row(
        image=Path("a.jpg"), where="list:1", width=640, height=480, labels=frozenset(),
        boxes=None, points=((9.0, 9.0),), count=1, source=source, smoke_unlabelled=False,
    )  # fmt: skip
    plan = list(views.plan([row], [], 1))
    assert views.whole_frames(plan) == list(range(whole))
    assert len(plan) > whole


def test_pictures_left_out_by_their_path_are_set_apart() -> None:
    rows = [
        Row(
            image=Path(f"train/mall_{number:06}.jpg"), where="list:1", width=640, height=480,
            labels=frozenset(), boxes=None, points=(), count=0, source="mall",
            smoke_unlabelled=False,
        )
        for number in (597, 601, 797)
    ]  # fmt: skip
    kept, left = views.without(rows, re.compile("mall_000[67]"))
    assert ([row.image.stem[-3:] for row in kept], len(left)) == (["597"], 2)
    assert views.without(rows, None) == (rows, [])
