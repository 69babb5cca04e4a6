"""A camera that cannot see is noticed, with its own word; a living one never is."""

import struct
import zlib

import av
import numpy as np
import pytest
from haidang_gateway.vision.camera import frames
from haidang_gateway.vision.edges import edges
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.motion import Gate, Stillness
from haidang_gateway.vision.reference import KeptReference, Reference
from haidang_gateway.vision.view import BLIND, Limits, Sight, is_dark, is_white

SIZE = (96, 160)
STREET = np.tile(np.linspace(40, 220, 192, dtype=np.uint8), (144, 1))
BARE = Masks()
LIMITS = Limits(dark_after_ms=10_000, frozen_after_ms=20_000, turned_after_ms=30_000)


def noisy(picture, seed, levels=6):
    shift = np.random.default_rng(seed).integers(-levels, levels + 1, picture.shape)
    return np.clip(picture.astype(int) + shift, 0, 255).astype(np.uint8)


def houses(seed):
    """A street front: rectangles of all sizes, always the same for one seed."""
    draw = np.random.default_rng(seed)
    picture = np.full(SIZE, 120, dtype=np.uint8)
    for _ in range(60):
        y, x = draw.integers(0, SIZE[0] - 8), draw.integers(0, SIZE[1] - 8)
        picture[y : y + draw.integers(3, 30), x : x + draw.integers(3, 30)] = draw.integers(
            20, 235
        )
    return picture


def views(pictures, sight=None, *, start_s=0, limits=LIMITS, masks=BARE):
    """What is said of a row of pictures, one each second."""
    judge = sight or Sight(limits, Reference(), masks)
    return [judge.see(p, (start_s + i) * 1000) for i, p in enumerate(pictures)]


@pytest.fixture
def settled():
    """A sight that has watched one street front for twenty minutes."""
    sight = Sight(LIMITS, Reference(), Masks())
    for second in range(0, 1200, 10):
        sight.see(noisy(houses(1), second, 4), second * 1000)
    assert sight.reference.known
    return sight


def settled_views(settled, change, seconds=60):
    pictures = [noisy(change(houses(1)), 5000 + i, 4) for i in range(seconds)]
    return views(pictures, settled, start_s=1200)


def filmed(path, pictures, codec):
    """A film of grey pictures, as a street camera encodes it: a key frame every ten."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=10)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", 10, 1_000_000
        for picture in pictures:
            grey = np.clip(picture, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        film.mux(stream.encode())
    return str(path)


def blur(picture, reach=5):
    light = picture.astype(float)
    for axis in (0, 1):
        light = sum(np.roll(light, k, axis=axis) for k in range(-reach, reach + 1)) / (
            2 * reach + 1
        )
    return light.astype(np.uint8)


def test_a_standing_picture_is_stuck_after_the_limit_and_not_before():
    assert views([STREET] * 30) == ["ok"] * 20 + ["stuck"] * 10


def test_a_quiet_street_with_sensor_noise_is_never_stuck():
    assert set(views([noisy(STREET, i) for i in range(90)])) == {"ok"}


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_an_empty_street_at_night_is_not_frozen_though_nothing_moves(tmp_path, codec):
    night = houses(2).repeat(4, axis=0).repeat(4, axis=1) * 0.3
    grain = np.random.default_rng(1)
    pictures = [night + grain.normal(0, 1, night.shape) for _ in range(90)]
    path = filmed(tmp_path / "night.mp4", pictures, codec)
    sight = Sight(LIMITS, Reference(), BARE)
    told = [sight.see(frame.luma, number * 1000) for number, frame in enumerate(frames(path))]
    assert set(told) == {"ok"}


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_a_frozen_picture_that_is_encoded_again_and_again_is_stuck(tmp_path, codec):
    street = houses(2).repeat(4, axis=0).repeat(4, axis=1)
    path = filmed(tmp_path / "frozen.mp4", [street] * 90, codec)
    sight = Sight(LIMITS, Reference(), BARE)
    told = [sight.see(frame.luma, number * 1000) for number, frame in enumerate(frames(path))]
    assert told[:20] == ["ok"] * 20
    assert told[60:] == ["stuck"] * 30


def test_one_walker_on_a_noiseless_picture_is_life():
    def with_walker(i):
        picture = STREET.copy()
        picture[60:80, 4 * i : 4 * i + 6] = 30
        return picture

    assert set(views([with_walker(i) for i in range(40)])) == {"ok"}


def test_a_stuck_picture_that_moves_again_recovers():
    pictures = [STREET] * 25 + [noisy(STREET, i, 9) for i in range(3)]
    assert views(pictures)[24:] == ["stuck", "ok", "ok", "ok"]


def test_a_recording_played_over_and_over_is_stuck_though_it_moves():
    clip = [noisy(STREET, i, 9) for i in range(25)]
    told = views(clip * 4)
    assert told[:40] == ["ok"] * 40
    assert told[60:] == ["stuck"] * 40


def test_a_loop_is_let_pass_where_it_is_meant():
    clip = [noisy(STREET, i, 9) for i in range(25)]
    judge = Stillness(after_ms=20_000, loops=False)
    assert not any(judge.see(p, i * 1000) for i, p in enumerate(clip * 4))


def test_black_and_covered_pictures_are_black():
    black = np.full((144, 192), 16, dtype=np.uint8)
    assert views([STREET] + [noisy(black, i, 2) for i in range(30)])[10:12] == ["ok", "black"]
    assert is_dark(np.full((144, 192), 140, dtype=np.uint8))
    assert not is_dark(STREET)


def test_a_lit_window_in_the_night_is_not_dark():
    night = np.full((144, 192), 12, dtype=np.uint8)
    night[20:30, 30:40] = 200
    assert not is_dark(night)


def test_the_sun_in_the_lens_is_blinded():
    glare = STREET.copy()
    glare[:, 30:] = 255
    assert is_white(glare)
    assert views([glare] * 15)[9:12] == ["ok", "blinded", "blinded"]
    assert not is_white(STREET)


def test_lost_focus_is_blurred(settled):
    told = settled_views(settled, blur)
    assert told[0] == "ok"
    assert told[-1] == "blurred"


def test_a_turned_camera_is_turned(settled):
    told = settled_views(settled, lambda picture: np.roll(picture, 24, axis=1))
    assert told[0] == "ok"
    assert told[-1] == "turned"


def test_a_turned_camera_does_not_learn_its_new_view_by_itself(settled):
    elsewhere = houses(2)
    told = [
        settled.see(noisy(elsewhere, second), second * 1000) for second in range(1200, 9200, 20)
    ]
    assert set(told[10:]) == {"turned"}


def test_dusk_is_neither_turned_nor_blurred(settled):
    def at(minute):
        share = 1 - 0.75 * minute / 120
        return (houses(1) * share).astype(np.uint8)

    told = [
        settled.see(noisy(at(minute), minute, 3), (1200 + minute * 60) * 1000)
        for minute in range(120)
    ]
    assert set(told) == {"ok"}


def test_a_camera_first_switched_on_before_a_bare_wall_learns_its_street_later():
    sight = Sight(LIMITS, Reference(), BARE)
    wall = np.full(SIZE, 120, dtype=np.uint8)
    for second in range(0, 1200, 10):
        sight.see(noisy(wall, second, 7), second * 1000)
    assert sight.reference.known
    for second in range(1200, 4800, 10):
        assert sight.see(noisy(houses(1), second, 4), second * 1000) == "ok"
    turned = [noisy(houses(2), second, 4) for second in range(60)]
    assert views(turned, sight, start_s=4800)[-1] == "turned"


def test_a_view_kept_by_an_older_version_is_learnt_anew(tmp_path):
    body = struct.pack("<4sfI", b"HDV2", 1.0, 900_000) + bytes(2 * 24 * 40)
    path = tmp_path / "east.view"
    path.write_bytes(body + struct.pack("<I", zlib.crc32(body)))
    kept = KeptReference(path)
    assert not kept.view.known
    views([noisy(houses(1), i, 4) for i in range(5)], Sight(LIMITS, kept.view, BARE))
    kept.save()
    assert path.read_bytes()[:4] == b"HDV3"


def test_a_view_comes_back_from_its_file_and_is_learnt_anew_when_that_is_deleted(
    tmp_path, settled
):
    path = tmp_path / "views" / "east.view"
    kept = KeptReference(path)
    kept.view = settled.reference
    kept.save()
    assert path.stat().st_size < 4096
    again = KeptReference(path)
    assert again.view.known
    assert again.view.likeness(edges(houses(1))) > 0.95
    path.unlink()
    again.save()
    assert not again.view.known
    assert not path.exists()


@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b[:50] + b"x" + b[51:]])
def test_a_damaged_view_is_learnt_anew(settled, damage):
    assert not Reference.from_bytes(damage(settled.reference.to_bytes())).known


def test_what_a_mask_hides_neither_moves_nor_darkens():
    left = Masks([((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))])
    gate = Gate(left)
    picture = np.full(SIZE, 100, dtype=np.uint8)
    gate.see(picture)
    flag = picture.copy()
    flag[:, :70] = 220
    assert not gate.see(flag)
    walker = picture.copy()
    walker[40:60, 120:130] = 220
    assert gate.see(walker)


def test_the_gate_lets_noise_pass_and_a_slow_drift_not():
    gate = Gate(Masks())
    assert [gate.see(noisy(STREET, i)) for i in range(30)] == [True] + [False] * 29
    drift = [gate.see(np.clip(STREET + 2 * i, 0, 250).astype(np.uint8)) for i in range(30)]
    assert any(drift)


def test_faults_that_hide_a_fire_are_those_without_a_picture():
    assert set(BLIND) == {"stuck", "black", "blinded"}


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (24, 40)])
def test_tiny_pictures_are_judged_without_a_reference(shape):
    assert views([np.full(shape, 90, dtype=np.uint8)] * 3) == ["ok"] * 3


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 160), (160, 1), (2, 160), (3, 4)])
def test_pictures_that_are_mere_lines_are_judged_without_a_reference(shape):
    light = np.linspace(20, 230, shape[0] * shape[1]).reshape(shape).astype(np.uint8)
    assert views([np.roll(light, i) for i in range(3)]) == ["ok"] * 3
