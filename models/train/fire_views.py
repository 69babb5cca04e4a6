"""Which views of which pictures the fire model learns from, and which pictures are held out."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from models.rows import Row
from models.train import fire_fakes as fakes
from models.train import fire_pictures as pictures
from models.train import fire_placing as placing
from models.train import fire_traps as traps

OPEN_LICENCES = frozenset({
    "fire-8", "sath-fire-smoke", "hcmc-street-cam", "car-park-cam", "ships-sea", "kaggle-fire",
})  # fmt: skip
"""Sources whose licence lets the weights be published; Kaggle's with the card's caveat."""
# Called normal by their source, yet something burns in them: a forest, a factory, a hearth.
_DOUBTED = {"kf_non_fire_20.jpg", "kf_non_fire_64.jpg", "uia1_092.jpg"}
# Streets, squares, shops and rooms, where the renderer's fires stand on a floor.
_FLOORS = {
    "hcmc-street-cam", "car-park-cam", "vehicles-openimages", "penn-fudan", "mall", "fire-8",
    "sath-fire-smoke",
}  # fmt: skip
CAMERAS_OF_SMOKE = {"fire-8"}  # six of seven pictures of its cameras burn
_HOLD_EVERY, _HOLD_FROM = 9, 3
_FOLDERS_OF_SINGLES = {"weather-web"}  # its groups are kinds of weather, not cameras
_GROUPS_OF_SINGLES = {"web"}


@dataclass(frozen=True, slots=True)
class Make:
    """Makes one view of some rows' pictures; always the same one."""

    how: Callable[..., pictures.Sample]
    rows: tuple[Row, ...]
    seed: int

    def __call__(self) -> pictures.Sample:
        draw = np.random.default_rng(self.seed)
        return self.how(*(pictures.scene_of(row) for row in self.rows), draw)


def held_out(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Split into rows to train on and rows to choose the thresholds on.

    Of each source every 9th clip or camera is held out whole; single pictures count as clips.
    Doubted rows are in neither.
    """
    rows = [row for row in rows if row.image.name not in _DOUBTED]
    groups: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        groups[row.source].add(_group(row))
    kept = {
        source: set(sorted(names)[_HOLD_FROM::_HOLD_EVERY]) for source, names in groups.items()
    }
    held = [row for row in rows if _group(row) in kept[row.source]]
    return [row for row in rows if _group(row) not in kept[row.source]], held


def views(rows: list[Row], partners: list[Row], seed: int) -> list[Make]:
    """Return the makers of all views of some rows; what is mixed in comes from `partners`.

    Each view draws from a seed of its own, so that any part can be made again alone.
    """
    return list(_Plan(rows, partners, seed))


class _Plan:
    """Yields view makers; every one gets the next seed."""

    def __init__(self, rows: list[Row], partners: list[Row], seed: int) -> None:
        self._rows, self._partners = rows, partners
        self._normal = [row for row in partners if not burning(row)]
        self._cuttable = [r for r in partners if any(k == "fire" for k, _ in r.boxes or ())]
        self._pick = np.random.default_rng(seed)
        self._seed = seed * 1_000_000

    def __iter__(self) -> Iterator[Make]:
        for number, row in enumerate(self._rows):
            yield self._later(lambda scene, _: pictures.plain(scene), row)
            yield self._later(pictures.whole, row)
            if number % 2 == 0:
                yield self._later(_mosaic, row, *(self._any(self._partners) for _ in range(3)))
            yield from self._of_burning(row) if burning(row) else self._of_normal(row)
        for number, row in enumerate(self._rows):
            if not burning(row):
                yield from self._more_of_normal(row)
            elif number % 2 == 0:
                yield self._later(placing.framed, row)

    def _of_burning(self, row: Row) -> Iterator[Make]:
        for _ in range(2):
            yield self._later(pictures.whole, row)
            yield self._later(pictures.cropped, row)
        for _ in range(3 if row.boxes else 1):
            yield self._later(placing.scaled, row, self._any(self._normal))

    def _of_normal(self, row: Row) -> Iterator[Make]:
        for make in (pictures.cropped, traps.trapped, traps.lamplit, traps.foggy, traps.coloured):
            yield self._later(make, row)
        yield self._later(pictures.cropped, row)
        yield self._later(pictures.whole, row)
        yield self._later(placing.scaled, row, self._any(self._normal))
        yield self._later(traps.sky, row)
        yield self._later(partial(fakes.clothed, burning=False), row)
        for _ in range(3):
            yield self._later(fakes.pasted, row, self._any(self._cuttable))
        if row.source in _FLOORS:
            yield self._later(fakes.rendered, row)
            if self._pick.random() < 0.5:
                yield self._later(partial(fakes.clothed, burning=True), row)

    def _more_of_normal(self, row: Row) -> Iterator[Make]:
        """Yield what stands against a source's habits: normal pictures are the rarer ones."""
        for make in (placing.framed, placing.framed, traps.sky, traps.sky, traps.foggy):
            yield self._later(make, row)
        if row.source in CAMERAS_OF_SMOKE:
            for make in (pictures.whole, pictures.cropped, placing.framed) * 3:
                yield self._later(make, row)

    def _any(self, rows: list[Row]) -> Row:
        return rows[int(self._pick.integers(len(rows)))]

    def _later(self, make: Callable[..., pictures.Sample], *rows: Row) -> Make:
        self._seed += 1
        return Make(make, rows, self._seed)


def _mosaic(*given: Any) -> pictures.Sample:
    *scenes, draw = given
    return placing.mosaic(scenes, draw)


def burning(row: Row) -> bool:
    return bool(row.labels & set(pictures.KINDS))


def _group(row: Row) -> str:
    single = not row.group or row.source in _FOLDERS_OF_SINGLES or row.group in _GROUPS_OF_SINGLES
    return row.image.name if single else row.group
