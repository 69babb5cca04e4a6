"""Real streets as a camera shows them by day and by night, and sights that have learnt them."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from bench.vision_weather import Weather, changed
from haidang_gateway.vision.camera import Develop, frames, raw
from haidang_gateway.vision.frame import Picture
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.motion import Luma
from haidang_gateway.vision.reference import Reference
from haidang_gateway.vision.view import Limits, Sight, View

Change = Callable[[Picture], Picture]

DAY = Weather("clear", 1.0, 0.0, night=False, noise_levels=2.0, quality=6, lamps_seed=77)
FOG = Weather("fog", 0.8, 0.0, night=False, noise_levels=2.0, quality=6, lamps_seed=77)
NIGHT = Weather("clear", 0.22, 0.2, night=True, noise_levels=5, quality=10, lamps_seed=77)
RAINY_NIGHT = Weather("rain", 0.22, 0.2, night=True, noise_levels=9, quality=12, lamps_seed=77)
LEARNT_S, SHOWN = 720, 10
NOTHING = Masks()


def unchanged(rgb: Picture) -> Picture:
    return rgb


class Street:
    """A clip's pictures, a second apart, in that weather; sights that have watched them."""

    def __init__(self, path: Path, masks: Masks = NOTHING, *, begin_s: int = 0) -> None:
        shown = slice(begin_s, begin_s + SHOWN)
        self._pictures = [f.rgb for f in frames(str(path), every_ms=1000)][shown]
        self._masks = masks
        self._known: dict[tuple[Weather, Change], list[Luma]] = {}
        self._learnt: dict[Weather, Sight] = {}

    def shown(self, weather: Weather, change: Change = unchanged) -> list[Luma]:
        """What a camera that `change` has come over shows of it: ten brightnesses."""
        key = weather, change
        if key not in self._known:
            draw, develop = np.random.default_rng(5), Develop(self._masks)
            self._known[key] = [
                develop(raw(changed(change(rgb), weather, draw)), number=1, at_ms=0).luma
                for rgb in self._pictures
            ]
        return self._known[key]

    def learnt(self, weather: Weather) -> Sight:
        """A sight that has watched the street for twelve minutes."""
        if weather not in self._learnt:
            sight, shown = Sight(Limits(), Reference(), self._masks), self.shown(weather)
            for second in range(0, LEARNT_S, 6):
                sight.see(grainy(shown[second % SHOWN], second), second * 1000)
            assert sight.reference.known
            self._learnt[weather] = sight
        return copy.deepcopy(self._learnt[weather])

    def told(
        self, learnt: Weather, weather: Weather, change: Change = unchanged, seconds: int = 85
    ) -> list[View]:
        """What a sight that learnt the street in one weather says in another one."""
        return watched(self.learnt(learnt), self.shown(weather, change), seconds)


def watched(
    sight: Sight, shown: Sequence[Luma], seconds: int, begin_s: int = LEARNT_S
) -> list[View]:
    """What is said of those pictures, one each second, again and again."""
    return [
        sight.see(grainy(shown[s % len(shown)], s), (begin_s + s) * 1000)
        for s in range(1, seconds + 1)
    ]


def grainy(luma: Luma, number: int) -> Luma:
    """The noise is drawn with the pictures; that they return must not make them a recording."""
    grain = np.random.default_rng(number).normal(0, 0.4, luma.shape)
    noisy: Luma = np.clip(luma + grain.round(), 0, 255).astype(np.uint8)
    return noisy
