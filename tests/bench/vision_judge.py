"""The fire model of the synthetic week: a picture that returns is judged once."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import FireModel, load_model, read_manifest
from haidang_gateway.vision.picture import CrowdCount, FireScores, Grid, Picture, Shown
from haidang_gateway.vision.second_look import look_for_fire

from bench.vision_worker import MODELS


class Judge:
    """The fire model; pictures of a block are judged once, those with a fire each time."""

    def __init__(self, entry: FireModel, model: Model) -> None:
        self.fire_threshold, self.smoke_threshold = entry.fire_threshold, entry.smoke_threshold
        self._entry, self._model = entry, model
        self._known: dict[int, FireScores] = {}
        self.invokes = self.pictures = self.alarming = 0

    def forget(self) -> None:
        self._known.clear()

    def fire(self, picture: Shown) -> FireScores:
        number = picture.number if isinstance(picture, Frame) else 0
        if number not in self._known:
            entry = self._entry
            seen = look_for_fire(picture, self._run, entry.width, entry.height, entry.second_look)
            if number == 0:
                return seen
            self.pictures += 1
            self.alarming += seen.fire >= self.fire_threshold or seen.smoke >= self.smoke_threshold
            self._known[number] = seen
        return self._known[number]

    def crowd(self, picture: Shown, person_px: float | None) -> CrowdCount:
        raise NotImplementedError

    def _run(self, picture: Picture) -> tuple[Grid, ...]:
        self.invokes += 1
        return self._model.run(picture)


class Calm:
    """In the place of the model where the view alone is judged: nothing burns."""

    fire_threshold = smoke_threshold = 1.0
    invokes = pictures = alarming = 0

    def forget(self) -> None:
        pass

    def fire(self, picture: Shown) -> FireScores:
        return FireScores(0.0, 0.0, np.full((1, 1, 2), -np.inf, np.float32))

    def crowd(self, picture: Shown, person_px: float | None) -> CrowdCount:
        raise NotImplementedError


def judge_of(model: Path | None) -> Judge:
    """The shipped fire model, or another file with the shipped thresholds."""
    entry = read_manifest(MODELS).fire
    if model is not None:
        entry = replace(entry, path=model, sha256=sha256(model.read_bytes()).hexdigest())
    return Judge(entry, load_model(entry))
