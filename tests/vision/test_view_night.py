"""Lit streets at night are no faults of a view, however noisy; what a camera suffers there is."""

import copy
import functools

import numpy as np
import pytest
from bench.vision_weather import Weather, changed
from haidang_gateway.vision.camera import Develop, frames, raw
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.reference import Reference
from haidang_gateway.vision.view import Limits, Sight
from PIL import Image, ImageFilter

STREETS = ("normal_hcm_S02_alley", "normal_hcm_S04_dusk", "normal_hcm_S08_haze")
ASPHALT = "normal_cars_intel"
DAY = Weather("clear", 1.0, 0.0, night=False, noise_levels=2.0, quality=6, lamps_seed=77)
NIGHTS = {
    "clear": Weather("clear", 0.22, 0.2, night=True, noise_levels=5, quality=10, lamps_seed=77),
    "rain": Weather("rain", 0.22, 0.2, night=True, noise_levels=9, quality=12, lamps_seed=77),
}
LEARNT_S, SHOWN = 720, 10


def unchanged(rgb):
    return rgb


def turned(rgb):
    return np.ascontiguousarray(np.roll(rgb, rgb.shape[1] // 3, axis=1))


def blurred(rgb):
    """A blur over 7 pixels of 160."""
    reach = 3 * rgb.shape[1] / 160
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.BoxBlur(reach)))


class Street:
    """A clip's pictures, a second apart, drawn by day and by night; sights that have learnt."""

    def __init__(self, path):
        self._pictures = [f.rgb for f in frames(str(path), every_ms=1000)][:SHOWN]
        self._known = {}
        self._learnt = {}

    def shown(self, weather, change=unchanged):
        key = weather, change
        if key not in self._known:
            draw, develop = np.random.default_rng(5), Develop(Masks())
            self._known[key] = [
                develop(raw(changed(change(rgb), weather, draw)), number=1, at_ms=0).luma
                for rgb in self._pictures
            ]
        return self._known[key]

    def learnt(self, weather):
        if weather not in self._learnt:
            sight, shown = Sight(Limits(), Reference(), Masks()), self.shown(weather)
            for second in range(0, LEARNT_S, 6):
                sight.see(grainy(shown[second % SHOWN], second), second * 1000)
            assert sight.reference.known
            self._learnt[weather] = sight
        return copy.deepcopy(self._learnt[weather])

    def told(self, learnt, weather, change=unchanged, seconds=85):
        sight, shown = self.learnt(learnt), self.shown(weather, change)
        return [
            sight.see(grainy(shown[s % SHOWN], s), (LEARNT_S + s) * 1000)
            for s in range(1, seconds + 1)
        ]


def grainy(luma, number):
    """The noise is drawn with the pictures; that they return must not make them a recording."""
    grain = np.random.default_rng(number).normal(0, 0.4, luma.shape)
    return np.clip(luma + grain.round(), 0, 255).astype(np.uint8)


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
