"""Resizing, scores, boxes, tiles and the flame renderer: pure functions, no model."""

from dataclasses import replace

import numpy as np
import pytest
from haidang_gateway.errors import ModelError
from haidang_gateway.vision.camera import Develop, raw
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.picture import (
    CrowdSpec,
    count_people,
    crowd_count,
    crowd_plan,
    fire_scores,
    strongest_box,
    to_input,
)
from haidang_gateway.vision.resize import halved, taps
from haidang_tools.flames import fire_region, flame_boxes, render_fire
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

SPEC = CrowdSpec(width=512, height=384, person_px=50.0, error_share=0.3, error_floor=2.0)
FIRE = {"growth": 0.8, "x": 0.5, "y": 0.8, "height_frac": 0.3, "seed": 7}


def _noise(height: int, width: int) -> np.ndarray:
    small = np.random.default_rng(height * width).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@given(
    height=st.integers(2, 900),
    width=st.integers(2, 900),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
)
@settings(max_examples=40, deadline=None)
def test_a_picture_of_one_colour_keeps_it_at_any_size(
    height: int, width: int, colour: tuple[int, int, int]
) -> None:
    resized = to_input(np.full((height, width, 3), colour, np.uint8), 224, 224)
    assert resized.shape == (224, 224, 3)
    assert (resized == np.array(colour, np.uint8)).all()


@pytest.mark.parametrize("size", [(288, 512), (576, 768), (720, 1280), (100, 130), (1080, 1920)])
def test_resizing_is_what_training_saw(size: tuple[int, int]) -> None:
    picture = _noise(*size)
    ours = to_input(picture, 224, 224).astype(int)
    pillow = Image.fromarray(picture).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.abs(ours - np.asarray(pillow).astype(int)).mean() < 1.5


@pytest.mark.parametrize("size", [(288, 512), (576, 768), (720, 1280), (1080, 1920)])
@pytest.mark.parametrize("wanted", [(224, 224), (512, 384)])
def test_a_cameras_picture_is_resized_as_training_did_it(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    picture = _noise(*size)
    frame = Develop(Masks())(raw(picture), number=1, at_ms=0)
    pillow = Image.fromarray(picture).resize(wanted, Image.Resampling.BILINEAR)
    ours = frame.sized(*wanted).astype(int)
    assert (frame.width, frame.height) == size[::-1]
    assert np.abs(ours - np.asarray(pillow).astype(int)).mean() < 1.5


@pytest.mark.parametrize("form", ["yuv420p", "yuvj420p", "nv12", "yuv422p", "yuyv422", "gray"])
@pytest.mark.parametrize("size", [(360, 640), (361, 643), (199, 261)])
@pytest.mark.parametrize("wanted", [(320, 320), (225, 223)])
def test_whatever_a_decoder_gives_has_its_colours_and_places_after_resizing(
    form: str, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    picture = _noise(*size)
    if form == "gray":
        picture = picture[..., :1].repeat(3, axis=2)
    decoded = raw(picture).reformat(format=form)
    ours = Develop(Masks())(decoded, number=1, at_ms=0).sized(*wanted).astype(int)
    pillow = Image.fromarray(picture).resize(wanted, Image.Resampling.BILINEAR)
    wrong = ours - np.asarray(pillow).astype(int)
    assert np.abs(wrong).mean() < 3
    assert np.abs(wrong.mean(axis=(0, 1))).max() < 3


def test_a_mask_hides_its_pixels_in_every_form_of_a_decoded_picture() -> None:
    left = Masks([((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))])
    white = raw(np.full((361, 643, 3), 255, np.uint8)).reformat(format="yuv420p")
    frame = Develop(left)(white, number=1, at_ms=0)
    assert frame.sized(320, 320)[:, :160].max() == 0
    assert frame.sized(320, 320)[:, 170:].min() > 240
    assert frame.luma[:, :80].max() == 0
    assert frame.planes(480)[:180, :240].max() == 0
    assert frame.rgb[:, :321].max() == 0


def test_a_mask_is_burnt_into_a_copy_and_never_into_what_the_decoder_builds_on() -> None:
    left = Masks([((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))])
    white = raw(np.full((360, 640, 3), 255, np.uint8)).reformat(format="yuv420p")
    before = white.to_ndarray()
    for form in ("yuv420p", "gray", "rgb24"):
        assert Develop(left)._convert(white, 640, 360, form)[:180, :300].max() == 0
    assert (white.to_ndarray() == before).all()


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_what_is_not_an_rgb_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ModelError, match="height x width x 3"):
        to_input(bad, 320, 320)


def test_scores_are_read_from_outputs_in_any_order() -> None:
    cells = np.full((7, 7, 2), -9.0, np.float32)
    cells[5, 2, 0] = 9.0
    logits = np.array([3.0, -3.0], np.float32)
    for outputs in ((logits, cells), (cells, logits)):
        scores = fire_scores(outputs)
        assert scores.fire == pytest.approx(0.9526, abs=1e-4)
        assert scores.smoke == pytest.approx(0.0474, abs=1e-4)
        box = strongest_box(scores.cells_fire)
        assert box == pytest.approx((2.5 / 7, 5.5 / 7, 1 / 7, 1 / 7))
        assert scores.cells_smoke.max() == pytest.approx(0.0, abs=1e-3)


def test_outputs_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match="released file"):
        fire_scores((np.zeros(1000, np.float32),))


def test_the_box_takes_touching_strong_cells_and_no_distant_ones() -> None:
    cells = np.zeros((7, 7), np.float32)
    cells[3, 3], cells[3, 4], cells[2, 3], cells[6, 0] = 0.9, 0.8, 0.7, 0.85
    assert strongest_box(cells) == pytest.approx((4 / 7, 3 / 7, 2 / 7, 2 / 7))


@given(cells=st.lists(st.floats(0, 1, width=32), min_size=49, max_size=49))
def test_the_box_always_lies_inside_the_picture(cells: list[float]) -> None:
    cx, cy, width, height = strongest_box(np.array(cells, np.float32).reshape(7, 7))
    assert cx - width / 2 + 1e-6 >= 0
    assert cx + width / 2 <= 1 + 1e-6
    assert cy - height / 2 + 1e-6 >= 0
    assert cy + height / 2 <= 1 + 1e-6


def test_the_interval_has_a_floor_and_never_goes_below_nobody() -> None:
    few = crowd_count(np.full((2, 2), 0.25, np.float32), SPEC)
    assert (few.count, few.low, few.high) == pytest.approx((1.0, 0.0, 3.0))
    many = crowd_count(np.full((2, 2), 25.0, np.float32), SPEC)
    assert (many.count, many.low, many.high) == pytest.approx((100.0, 70.0, 130.0))


def test_small_people_are_looked_at_in_tiles_and_big_ones_shrunk() -> None:
    assert crowd_plan(768, 576, None, SPEC) == (1, 1, 1.0)
    assert crowd_plan(768, 576, 75.0, SPEC) == (1, 1, 1.0)
    assert crowd_plan(1024, 768, 50.0, SPEC) == (2, 2, 1.0)
    assert crowd_plan(1024, 768, 5.0, SPEC)[:2] == (4, 4)
    across, down, shrink = crowd_plan(768, 576, 300.0, SPEC)
    assert (across, down) == (1, 1)
    assert shrink == pytest.approx(0.25)


@pytest.mark.parametrize("person_px", [None, 300.0, 75.0, 40.0, 20.0])
def test_every_part_of_the_picture_is_counted_once(person_px: float | None) -> None:
    def bright(picture: np.ndarray) -> tuple[np.ndarray, ...]:
        """Answers one person for each white cell, as the square root."""
        cells = picture.reshape(48, 8, 64, 8, 3).mean(axis=(1, 3, 4))
        return (np.where(cells > 200, 1.0, 0.0).astype(np.float32)[..., None],)

    picture = np.zeros((768, 1024, 3), np.uint8)
    picture[:384] = 255
    counted = count_people(picture, person_px, bright, SPEC)
    rows = counted.density_map.shape[0]
    upper = counted.density_map[: rows // 2].sum()
    assert counted.count == pytest.approx(counted.density_map.size / 2, rel=0.1)
    assert upper == pytest.approx(counted.count, rel=0.06)


def test_a_dense_crowd_in_an_uncalibrated_picture_is_looked_at_again_in_tiles() -> None:
    seen: list[float] = []

    def crowded(picture: np.ndarray) -> tuple[np.ndarray, ...]:
        seen.append(float(picture.mean()))
        return (np.full((48, 64, 1), (100 / 3072) ** 0.5, np.float32),)

    spec = replace(SPEC, closer_look_at=(90.0, 1000.0))
    counted = count_people(np.zeros((480, 640, 3), np.uint8), None, crowded, spec)
    assert len(seen) == 1 + 4
    assert counted.count == pytest.approx(400.0, rel=0.01)
    seen.clear()
    count_people(np.zeros((480, 640, 3), np.uint8), 62.0, crowded, spec)
    assert len(seen) == 1


def test_a_fire_changes_pixels_only_in_its_region() -> None:
    picture = _noise(288, 384)
    left, top, right, bottom = fire_region(384, 288, **FIRE) or (0, 0, 0, 0)
    burning = render_fire(picture, t_s=2.0, **FIRE)
    outside = burning.copy()
    outside[top:bottom, left:right] = picture[top:bottom, left:right]
    np.testing.assert_array_equal(outside, picture)
    assert (burning != picture).any(axis=2).sum() > 2000


def test_flames_flicker_grow_and_repeat_with_the_same_seed() -> None:
    picture = _noise(288, 384)
    first = render_fire(picture, t_s=2.0, **FIRE)
    np.testing.assert_array_equal(render_fire(picture, t_s=2.0, **FIRE), first)
    assert (render_fire(picture, t_s=2.1, **FIRE) != first).any()

    def changed(growth: float) -> int:
        burning = render_fire(picture, t_s=2.0, **(FIRE | {"growth": growth}))
        return int((burning != picture).sum())

    assert changed(0.0) == 0
    assert 0 < changed(0.3) < changed(0.6) < changed(1.0)


def test_the_picture_given_stays_as_it_was() -> None:
    picture = _noise(120, 160)
    before = picture.copy()
    render_fire(picture, t_s=0.0, **FIRE)
    np.testing.assert_array_equal(picture, before)


@given(
    x=st.floats(-0.2, 1.2), y=st.floats(-0.2, 1.5), size=st.floats(0, 1.5), t_s=st.floats(0, 1e6)
)
@settings(max_examples=30, deadline=None)
def test_a_fire_anywhere_in_or_beside_the_picture_draws_without_fault(
    x: float, y: float, size: float, t_s: float
) -> None:
    picture = np.full((60, 80, 3), 90, np.uint8)
    burning = render_fire(picture, t_s=t_s, growth=1.0, x=x, y=y, height_frac=size, seed=3)
    assert burning.shape == picture.shape
    assert burning.dtype == np.uint8


def test_flames_are_warm_and_their_box_holds_them() -> None:
    picture = np.full((288, 384, 3), 60, np.uint8)
    burning = render_fire(picture, t_s=1.0, **FIRE).astype(int)
    cx, cy, width, height = flame_boxes(384, 288, **FIRE)["fire"]
    rows, columns = np.nonzero((burning[..., 0] > 200) & (burning[..., 2] < 120))
    assert len(rows) > 300
    inside = (abs(columns / 384 - cx) < width / 2 + 0.03) & (abs(rows / 288 - cy) < height / 2)
    assert inside.mean() > 0.85


def test_at_a_border_only_pixels_of_the_picture_count_by_their_distance() -> None:
    rows, shares = taps(8, 4)
    weights = np.zeros((4, 8))
    for at, share in zip(rows, shares, strict=True):
        weights[np.arange(4), at] += share
    assert weights[0] == pytest.approx([3 / 7, 3 / 7, 1 / 7, 0, 0, 0, 0, 0])
    assert weights[1] == pytest.approx([0, 1 / 8, 3 / 8, 3 / 8, 1 / 8, 0, 0, 0])
    assert weights[3] == pytest.approx(weights[0][::-1])


@pytest.mark.parametrize(("total", "mean"), [(1, 0), (2, 1), (3, 1), (5, 1), (6, 2)])
def test_the_mean_of_four_pixels_is_rounded(total: int, mean: int) -> None:
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[0, 0] = total
    assert (halved(rgb) == mean).all()
