"""A picture that stands still or shows nothing is noticed; a living one never is."""

import numpy as np
from haidang_gateway.vision.motion import Liveness, changed_share, is_dark

NOISE = np.random.default_rng(1)
STREET = np.tile(np.linspace(40, 220, 192, dtype=np.uint8), (144, 1))


def views(pictures):
    """What is said of a row of pictures, one each second."""
    judge = Liveness(dark_after_ms=10_000, frozen_after_ms=20_000)
    return [judge.see(picture, i * 1000) for i, picture in enumerate(pictures)]


def noisy(picture, levels=6):
    shift = NOISE.integers(-levels, levels + 1, picture.shape)
    return np.clip(picture.astype(int) + shift, 0, 255).astype(np.uint8)


def test_a_standing_picture_is_frozen_after_the_limit_and_not_before():
    assert views([STREET] * 30) == ["ok"] * 20 + ["frozen"] * 10


def test_a_quiet_street_with_sensor_noise_is_never_frozen():
    assert set(views([noisy(STREET) for _ in range(60)])) == {"ok"}


def test_one_walker_on_a_noiseless_picture_is_life():
    def with_walker(i):
        picture = STREET.copy()
        picture[60:80, 4 * i : 4 * i + 6] = 30
        return picture

    assert set(views([with_walker(i) for i in range(40)])) == {"ok"}


def test_a_frozen_picture_that_moves_again_recovers():
    pictures = [STREET] * 25 + [noisy(STREET, 9) for _ in range(3)]
    assert views(pictures)[24:] == ["frozen", "ok", "ok", "ok"]


def test_black_and_covered_pictures_are_dark():
    black = np.full((144, 192), 16, dtype=np.uint8)
    assert views([STREET] + [noisy(black, 2) for _ in range(30)])[9:11] == ["ok", "dark"]
    assert is_dark(np.full((144, 192), 140, dtype=np.uint8))
    assert not is_dark(STREET)


def test_a_lit_window_in_the_night_is_not_dark():
    night = np.full((144, 192), 12, dtype=np.uint8)
    night[20:30, 30:40] = 200
    assert not is_dark(night)


def test_changed_share_counts_the_changed_pixels():
    moved = STREET.copy()
    moved[:72] = 255 - moved[:72]
    assert 0.35 < changed_share(STREET, moved) < 0.5
    assert changed_share(STREET, STREET) == 0
