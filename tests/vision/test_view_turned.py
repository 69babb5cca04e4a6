"""A camera that looks elsewhere is told by day and by night; light and weather are not."""

import copy
import functools
from dataclasses import replace

import numpy as np
import pytest
from haidang_gateway.vision.camera import frames
from haidang_gateway.vision.edges import edges
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.reference import Reference
from haidang_gateway.vision.view import Limits, Sight
from PIL import Image
from view_kit import DAY, FOG, LEARNT_S, NIGHT, RAINY_NIGHT, Street, grainy, unchanged, watched

STREETS = ("normal_hcm_S02_alley", "normal_hcm_S04_dusk", "normal_hcm_S07_street")
INTO_NIGHT = "normal_hcm_S05_day_to_rain_night"
ASPHALT = "normal_cars_intel"
CLOCK = ((0.0, 0.0), (0.4, 0.0), (0.4, 0.3), (0.0, 0.3))
NAME = ((0.7, 0.6), (1.0, 0.5), (1.0, 1.0), (0.7, 1.0))


def panned(share):
    def change(rgb):
        return np.ascontiguousarray(np.roll(rgb, int(rgb.shape[1] * share), axis=1))

    return change


def rolled(rgb):
    return np.asarray(Image.fromarray(rgb).rotate(20, Image.Resampling.BILINEAR))


def upside_down(rgb):
    return np.ascontiguousarray(rgb[::-1, ::-1])


SEVENTH, THIRD, SWAY = panned(1 / 7), panned(1 / 3), panned(0.015)


@pytest.fixture(scope="module")
def clip(shared_data):
    return lambda name: shared_data / "video" / f"{name}.mp4"


@pytest.fixture(scope="module")
def street(clip):
    return functools.cache(lambda name: Street(clip(name)))


def is_told(words):
    """Not before its time, by the second in which 85 are over, and nothing else."""
    return words[-1] == "turned" and set(words) == {"ok", "turned"} and words.index("turned") >= 59


@pytest.mark.parametrize("weather", [DAY, NIGHT, RAINY_NIGHT], ids=["day", "night", "rainy night"])
@pytest.mark.parametrize("change", [SEVENTH, THIRD, rolled, upside_down])
@pytest.mark.parametrize("name", STREETS)
def test_a_turn_is_told_by_day_and_by_night(street, name, weather, change):
    assert is_told(street(name).told(DAY, weather, change))


@pytest.mark.parametrize("change", [SEVENTH, upside_down])
@pytest.mark.parametrize("name", STREETS)
def test_a_turn_is_told_by_day_where_the_view_was_learnt_by_night(street, name, change):
    assert is_told(street(name).told(NIGHT, DAY, change))


@pytest.mark.parametrize("weather", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize(("name", "other"), [STREETS[:2], STREETS[1:], (INTO_NIGHT, STREETS[0])])
def test_another_street_is_told(street, name, other, weather):
    shown = street(other).shown(weather)
    assert is_told(watched(street(name).learnt(DAY), shown, 85))


@pytest.mark.parametrize("weather", [DAY, FOG, RAINY_NIGHT], ids=["day", "fog", "rainy night"])
@pytest.mark.parametrize("name", [*STREETS, INTO_NIGHT, ASPHALT])
def test_a_view_learnt_by_night_is_known_in_any_weather(street, name, weather):
    assert set(street(name).told(NIGHT, weather)) == {"ok"}


@pytest.mark.parametrize("lamps", range(3, 8))
def test_a_car_by_day_where_lamps_shone_on_bare_asphalt_by_night_is_no_turn(clip, lamps):
    night = replace(NIGHT, lamps_seed=lamps)
    by_night, by_day = (Street(clip(ASPHALT), begin_s=begin_s) for begin_s in (0, 14))
    sight = by_night.learnt(night)
    assert set(watched(sight, by_day.shown(DAY), 300)) == {"ok"}


@pytest.mark.parametrize("lamps", [6, 77])
@pytest.mark.parametrize("share", [0.04, 0.08])
def test_a_small_turn_is_told_where_the_night_shows_lamps_on_bare_asphalt_alone(
    clip, share, lamps
):
    scene, night = Street(clip(ASPHALT)), replace(NIGHT, lamps_seed=lamps)
    away = [np.roll(luma, int(luma.shape[1] * share), axis=1) for luma in scene.shown(night)]
    assert is_told(watched(scene.learnt(night), away, 85))


@pytest.fixture(scope="module")
def asphalt_for_a_day(street):
    """Bare asphalt, learnt by day and by night."""
    sight, scene = Sight(Limits(), Reference(), Masks()), street(ASPHALT)
    for minute in range(25 * 60):
        shown = scene.shown(NIGHT if minute % 1440 >= 720 else DAY)
        sight.see(grainy(shown[minute % 10], 1000 + minute), minute * 60_000)
    assert not sight.reference.young
    return sight


@pytest.mark.parametrize("change", [SEVENTH, THIRD])
def test_once_a_day_was_learnt_a_turn_is_told_over_bare_asphalt_too(
    street, asphalt_for_a_day, change
):
    sight, scene = copy.deepcopy(asphalt_for_a_day), street(ASPHALT)
    assert set(watched(sight, scene.shown(DAY), 100, begin_s=90_000)) == {"ok"}
    assert watched(sight, scene.shown(DAY, change), 85, begin_s=90_100)[-1] == "turned"


def horizon(sky, water):
    luma = np.full((90, 160), sky, np.uint8)
    luma[45:] = water
    return luma


def seen_with_grain(sight, luma, levels, seconds, begin_s):
    draw = np.random.default_rng(begin_s)
    return [
        sight.see(
            np.clip(luma + draw.normal(0, levels, luma.shape), 0, 255).astype(np.uint8),
            (begin_s + second) * 1000,
        )
        for second in range(seconds)
    ]


def test_a_level_horizon_is_known_in_a_noisy_night_though_it_matches_all_along_itself():
    sight = Sight(Limits(), Reference(), Masks())
    assert set(seen_with_grain(sight, horizon(170, 70), 3, 720, 0)) == {"ok"}
    assert set(seen_with_grain(sight, horizon(45, 20), 10, 200, 720)) == {"ok"}


@pytest.mark.parametrize("name", STREETS)
def test_a_mast_that_sways_is_not_turned(street, name):
    assert set(street(name).told(DAY, DAY, SWAY)) == {"ok"}


def test_a_street_that_was_filmed_from_daylight_into_a_rainy_night_stays_the_same(clip):
    film = [f.luma for f in frames(str(clip(INTO_NIGHT)), every_ms=250)]
    sight = Sight(Limits(), Reference(), Masks())
    for second in range(0, LEARNT_S, 6):
        sight.see(grainy(film[second // 6 % 20], second), second * 1000)
    assert sight.reference.known
    assert set(watched(sight, film[-20:], 200)) == {"ok"}


def test_a_turned_view_is_told_as_long_as_it_lasts_and_no_longer(street):
    scene = street(STREETS[0])
    sight = scene.learnt(DAY)
    away = watched(sight, scene.shown(DAY, SEVENTH), 600)
    back = watched(sight, scene.shown(NIGHT), 60, begin_s=LEARNT_S + 600)
    assert set(away[85:]) == {"turned"}
    assert set(back[20:]) == {"ok"}


def test_a_camera_that_was_turned_while_the_gateway_was_off_is_told_after_the_start(street):
    scene = street(STREETS[1])
    kept = scene.learnt(DAY).reference.to_bytes()

    def started():
        return Sight(Limits(), Reference.from_bytes(kept), Masks())

    assert is_told(watched(started(), scene.shown(NIGHT, THIRD), 85, begin_s=5))
    assert set(watched(started(), scene.shown(NIGHT), 85, begin_s=5)) == {"ok"}


def test_a_camera_that_was_turned_while_its_stream_was_away_is_told(street):
    scene = street(STREETS[1])
    shown = scene.shown(NIGHT, SEVENTH)
    assert is_told(watched(scene.learnt(DAY), shown, 85, begin_s=LEARNT_S + 7200))


def test_what_fog_hides_begins_no_fault_and_ends_none(street):
    scene = street(STREETS[0])
    sight, turned = scene.learnt(DAY), scene.shown(DAY, upside_down)
    thick = [(luma * 0.07 + 190).astype(np.uint8) for luma in turned]
    assert set(watched(sight, thick, 100)) == {"ok"}
    assert is_told(watched(sight, turned, 85, begin_s=LEARNT_S + 100))
    assert set(watched(sight, thick[::-1], 100, begin_s=LEARNT_S + 185)) == {"turned"}


@pytest.mark.parametrize("change", [upside_down, SEVENTH])
def test_the_border_of_a_mask_is_no_view_that_is_known_again(clip, change):
    scene = Street(clip(STREETS[0]), Masks([CLOCK, NAME]))
    assert is_told(scene.told(DAY, NIGHT, change))
    assert set(scene.told(DAY, NIGHT, unchanged)) == {"ok"}


def test_a_mount_that_sags_within_hours_is_told(street):
    scene = street(STREETS[0])
    sight, shown, told = scene.learnt(DAY), scene.shown(DAY), []
    for minute in range(240):
        sunk = shown[minute % 10].shape[0] * minute // 960
        seen = np.roll(shown[minute % 10], -sunk, axis=0)
        told.append(sight.see(grainy(seen, minute), (LEARNT_S + 60 * minute) * 1000))
    assert told[-1] == "turned"


def test_a_kept_view_is_as_good_as_the_one_in_memory(street):
    seen = street(ASPHALT).learnt(NIGHT).reference
    again = Reference.from_bytes(seen.to_bytes())
    day = np.mean([edges(luma) for luma in street(ASPHALT).shown(DAY)], axis=0)
    assert again.likeness(day) == pytest.approx(seen.likeness(day), abs=0.02)
    assert again.to_bytes() == Reference.from_bytes(again.to_bytes()).to_bytes()
