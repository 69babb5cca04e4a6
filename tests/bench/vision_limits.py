"""How far a learnt view stands out in its place, and how far a turned one does: for the limits.

`python -m bench.vision_limits --data DIR [--hours N] [--seed N]`, from the repository's root; a
line of JSON for each street. Each half an hour has the synthetic week's weather and light and ten
pictures of a real clip. A camera begins at each sixth of the first day: it learns what it knows
again, as in a gateway, and each half an hour is compared with what was learnt, as it stands and
turned in each way. "first day": less than a day was learnt.

`missed` counts the turned views that are called the same, by kind. Then, each with its least, its
middle and its most: `alike`; `here` in standard deviations; `lead`, that over the best other
place. Of those views that are not called the same: `elsewhere`, and `common` edges, also for each
of `here`.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from haidang_gateway.vision.camera import Develop, raw
from haidang_gateway.vision.edges import (
    Answer,
    Edges,
    Match,
    edges,
    match,
)
from haidang_gateway.vision.frame import Picture
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.reference import Reference

from bench import parts
from bench.vision_street import pictures_of
from bench.vision_turns import ANOTHER, KINDS, weather_of_another
from bench.vision_weather import Weather, at_hour, changed
from bench.vision_week import normal_clips

_BLOCK_S, _DAY_S, _LEARN_EVERY_S = 1_800, 86_400, 60
_SHOWN, _STRIDE = 10, 4
_BEGINNINGS = 6
_STANDING = "standing"


@dataclass(frozen=True, slots=True)
class _View:
    """One comparison; `kind` is how the camera was turned, if it was."""

    kind: str
    young: bool
    answer: Answer
    found: Match


@dataclass(slots=True)
class _Block:
    """Half an hour: each picture's edges as the camera stands, the mean ones of each turn."""

    standing: list[Edges] = field(default_factory=list)
    turned: dict[str, Edges] = field(default_factory=dict)


class _Street:
    """What one camera shows from one half an hour to the next, standing and turned."""

    def __init__(self, clip: Path, other: Path, *, seed: int) -> None:
        self._own, self._other = pictures_of(clip), pictures_of(other)
        self._draw = np.random.default_rng(seed)
        self._develop = Develop(Masks())

    def blocks(self, hours: int) -> list[_Block]:
        weather: Weather | None = None
        blocks = []
        for number in range(hours * 3600 // _BLOCK_S):
            weather = at_hour(number * _BLOCK_S / 3600 % 24, weather, self._draw)
            blocks.append(self._block(weather))
        return blocks

    def _block(self, weather: Weather) -> _Block:
        first = int(self._draw.integers(len(self._own)))
        standing: list[Edges] = []
        turned: dict[str, list[Edges]] = {kind: [] for kind in KINDS}
        for number in range(_SHOWN):
            at = first + number * _STRIDE
            own = self._shown(self._own, at, weather)
            other = self._shown(self._other, at, weather_of_another(weather))
            standing.append(self._edges(own))
            for kind, change in KINDS.items():
                turned[kind].append(self._edges(change(other if kind == ANOTHER else own)))
        return _Block(standing, {kind: _mean(found) for kind, found in turned.items()})

    def _shown(self, pictures: list[Picture], at: int, weather: Weather) -> Picture:
        return changed(pictures[at % len(pictures)], weather, self._draw)

    def _edges(self, rgb: Picture) -> Edges:
        seen = self._develop(raw(np.ascontiguousarray(rgb)), number=0, at_ms=0)
        found = edges(seen.luma)
        assert found is not None
        return found


def _mean(found: list[Edges]) -> Edges:
    mean: Edges = np.mean(found, axis=0, dtype=np.complex64)
    return mean


def _watched(blocks: list[_Block]) -> list[_View]:
    """Learn from block to block, and compare with what was learnt before."""
    reference, views = Reference(), []
    for number, block in enumerate(blocks):
        now = _mean(block.standing)
        answer = reference.compare(now)
        if reference.known:
            views += [
                _compared(reference, kind, seen)
                for kind, seen in ({_STANDING: now} | block.turned).items()
            ]
        if answer == "same" or (answer == "unclear" and reference.young):
            for turn, second in enumerate(range(0, _BLOCK_S, _LEARN_EVERY_S)):
                at_ms = (number * _BLOCK_S + second) * 1000
                reference.learn(block.standing[turn % _SHOWN], 1.0, at_ms)
    return views


def _compared(reference: Reference, kind: str, now: Edges) -> _View:
    assert reference.edges is not None
    found = match(reference.edges, now)
    return _View(kind, reference.young, reference.compare(now), found)


def _figures(views: list[_View]) -> parts.Figures:
    """What the limits are about, of views of one sort."""
    if not views:
        return {"views": 0}
    answers = Counter(view.answer for view in views)
    missed = Counter(view.kind for view in views if view.answer == "same")
    of = [view.found for view in views]
    strange = [view.found for view in views if view.answer != "same"]
    return {
        "views": len(views),
        "answers": dict(answers),
        "missed": {kind: n for kind, n in missed.items() if kind != _STANDING},
        "alike": _range([x.alike for x in of]),
        "here": _range([x.here for x in of]),
        "lead": _range([x.lead for x in of]),
        "elsewhere": _range([x.elsewhere for x in strange]),
        "common": _range([x.common for x in strange]),
        "common_for_each": _range([x.common / max(x.here, 1.0) for x in strange]),
    }


def _range(values: list[float]) -> list[float] | None:
    """The least, the middle and the most."""
    return [round(float(np.quantile(values, q)), 2) for q in (0, 0.5, 1)] if values else None


def street(clip: Path, other: Path, *, hours: int, seed: int) -> parts.Figures:
    """All views of one street's camera, by what was learnt before."""
    blocks = _Street(clip, other, seed=seed).blocks(hours)
    each = _DAY_S // _BEGINNINGS // _BLOCK_S
    views = [x for number in range(_BEGINNINGS) for x in _watched(blocks[number * each :])]
    return {
        f"{name}, {when}": _figures(
            [x for x in views if x.young == young and (x.kind == _STANDING) == standing]
        )
        for name, standing in (("standing", True), ("turned", False))
        for when, young in (("first day", True), ("later", False))
    }


def main() -> None:
    """Run by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds video/normal_*.mp4")
    parser.add_argument("--hours", type=int, default=48, help="for each street, default 48")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    clips = list(normal_clips(options.data))
    if not clips:
        sys.exit(f"{options.data}/video holds no normal_*.mp4")
    for number, clip in enumerate(clips):
        other = clips[(number + 1) % len(clips)]
        found = street(clip, other, hours=options.hours, seed=options.seed * 1000 + number)
        sys.stdout.write(json.dumps({"street": clip.stem} | found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
