"""What a camera that suspects something is spared, and what it is not."""

from types import SimpleNamespace

import numpy as np
import pytest
from crew_kit import fire_scores
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import WorkerSettings
from haidang_gateway.vision.lookout import Lookout
from haidang_gateway.vision.observer import Observer
from haidang_gateway.vision.picture import FireScores


class Steady:
    """A clock that is moved by hand."""

    at_ms = 1_000

    def monotonic_ms(self):
        return self.at_ms


class Networks:
    """Every picture scores the same."""

    fire_threshold = smoke_threshold = 0.5

    def __init__(self, score):
        self.score, self.asked = score, 0

    def fire(self, picture):
        self.asked += 1
        cells = np.full((7, 7), self.score, dtype=np.float32)
        return fire_scores(self.score, cells)

    def crowd(self, picture, person_px):
        raise NotImplementedError


class Unread:
    """A map of cells that nobody may read."""

    def __getitem__(self, at):
        raise AssertionError("the map of a quiet picture was made")


def test_the_map_of_a_quiet_picture_is_made_but_to_learn_from_it():
    settings = WorkerSettings(id="c", source="/nowhere", models_dir="", clock_offset_ms=0)
    networks = SimpleNamespace(fire_threshold=0.5, smoke_threshold=0.5)
    observer = Observer(networks, settings)

    def see(at_ms, answer):
        networks.fire = lambda picture: answer
        frame = Frame(number=1, at_ms=at_ms, width=160, height=96, make=None)
        observer.see(frame)

    see(100_000, fire_scores(0.05))
    see(100_200, FireScores(0.05, 0.02, Unread()))
    with pytest.raises(AssertionError, match="quiet"):
        see(130_100, FireScores(0.05, 0.02, Unread()))


def looked(score, *, seconds, moving=True, scene=None):
    """Pictures judged and how often brightness was made, at five looks a second.

    `score` and `scene` (the seed of a still picture) may be functions of the second.
    """
    clock, networks, made = Steady(), Networks(0.0), []
    settings = WorkerSettings(id="c", source="/nowhere", models_dir="", clock_offset_ms=0)
    lookout = Lookout(settings, Observer(networks, settings), clock, lambda line: None)

    def make(width, height, form):
        made.append(form)
        seed = scene(second) if scene else len(made) if moving else 1
        return np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)

    for number in range(seconds * 5):
        second = number / 5
        networks.score = score(second) if callable(score) else score
        frame = Frame(number=number, at_ms=clock.at_ms, width=160, height=96, make=make)
        lookout.camera.take = lambda timeout_s, frame=frame: frame
        lookout.look()
        clock.at_ms += 200
    return networks.asked, made.count("gray")


def test_while_awake_all_is_judged_though_brightness_is_made_but_once_a_second():
    judged, made = looked(0.1, seconds=10)
    assert judged == 50
    assert made == pytest.approx(10, abs=1)


def test_a_suspicious_picture_has_its_brightness_for_the_flicker():
    judged, made = looked(0.45, seconds=10)
    assert judged == made == 50


def test_once_asleep_a_still_picture_is_judged_each_five_seconds():
    judged, made = looked(0.1, seconds=45, moving=False)
    assert judged == pytest.approx(15 * 5 + 30 / 5, abs=2)
    assert made == pytest.approx(15 + 30 * 5, abs=2)


def test_a_scene_that_changed_while_awake_is_no_movement_once_asleep():
    def judged(seconds):
        """Asleep from 15 s, awake from 20 to 85, and all else is to be seen from 30 on."""
        count, _ = looked(
            lambda second: 0.45 if 20 <= second < 70 else 0.1,
            seconds=seconds,
            scene=lambda second: 1 if second < 30 else 2,
        )
        return count

    assert judged(100) - judged(87) <= 4
