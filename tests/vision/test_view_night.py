"""Lit streets at night are no faults of a view, however noisy; what a camera suffers there is."""

import functools

import numpy as np
import pytest
from PIL import Image, ImageFilter
from view_kit import DAY, LEARNT_S, NIGHT, RAINY_NIGHT, Street

STREETS = ("normal_hcm_S02_alley", "normal_hcm_S04_dusk", "normal_hcm_S08_haze")
ASPHALT = "normal_cars_intel"
NIGHTS = {"clear": NIGHT, "rain": RAINY_NIGHT}


def turned(rgb):
    return np.ascontiguousarray(np.roll(rgb, rgb.shape[1] // 3, axis=1))


def blurred(rgb):
    """A blur over 7 pixels of 160."""
    reach = 3 * rgb.shape[1] / 160
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.BoxBlur(reach)))


@pytest.fixture(scope="module")
def street(shared_data):
    return functools.cache(lambda name: Street(shared_data / "video" / f"{name}.mp4"))


@pytest.mark.parametrize("sky", NIGHTS)
@pytest.mark.parametrize("name", [*STREETS, ASPHALT])
def test_a_lit_night_is_no_fault_of_a_view_learnt_by_day(street, name, sky):
    assert set(street(name).told(DAY, NIGHTS[sky])) == {"ok"}


@pytest.mark.parametrize("name", [*STREETS, ASPHALT])
def test_a_view_learnt_by_night_is_the_same_by_day_and_in_the_rain(street, name):
    assert set(street(name).told(NIGHTS["clear"], DAY)) == {"ok"}
    assert set(street(name).told(NIGHTS["clear"], NIGHTS["rain"])) == {"ok"}


@pytest.mark.parametrize("sky", NIGHTS)
@pytest.mark.parametrize("name", STREETS)
@pytest.mark.parametrize(("word", "change"), [("blurred", blurred), ("turned", turned)])
def test_at_night_too_a_fault_is_told_with_its_word_within_the_limit(
    street, name, sky, word, change
):
    told = street(name).told(DAY, NIGHTS[sky], change)
    assert told[-1] == word
    assert set(told) == {"ok", word}
    assert told.index(word) >= 59


@pytest.mark.parametrize("name", [STREETS[0], ASPHALT])
@pytest.mark.parametrize("grain", [0.5, 2.0])
def test_at_night_a_covered_lens_is_told_though_the_gain_is_up(street, name, grain):
    sight, shape = street(name).learnt(NIGHTS["clear"]), street(name).shown(DAY)[0].shape
    draw = np.random.default_rng(3)
    told = [
        sight.see(
            np.clip(14 + draw.normal(0, grain, shape), 0, 255).astype(np.uint8), 1_000 * second
        )
        for second in range(LEARNT_S, LEARNT_S + 30)
    ]
    assert told == ["ok"] * 20 + ["black"] * 10
