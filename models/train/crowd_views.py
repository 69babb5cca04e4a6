"""Which training pictures the crowd model sees: lists of labelled pictures, own frames, fakes."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np

from models.rows import COUNTS, Row, good_rows
from models.scenes import without_people
from models.train import crowd_fakes as fakes
from models.train import crowd_pictures as pictures
from models.train.crowd_pictures import People, Random, Sample

Make = Callable[[], Sample]

_LISTS = ("crowd/train.jsonl", "people/train.jsonl")
_SCENES = ("fire/train.jsonl", "fire/train2.jsonl")
_OWN_AGAIN = 12
_STREETS, _PASTED = 1200, 2000
_HELD_OUT = 9  # each so manieth picture of a source is kept for choosing, never learnt from
# How often a picture is shown whole, and how often and at which scales (512 x 384 pixels per
# picture pixel) windows of it are cut, by source.
_SHOWN = {
    "mall": (12, 5, 0.6, 1.8),
    "shanghaitech-a": (6, 28, 0.6, 2.6),
    "ucf-cc-50": (2, 34, 0.4, 1.8),
    "penn-fudan": (4, 9, 0.3, 1.3),
}
_OTHERS_SHOWN = (4, 6, 0.6, 1.8)
# All pictures of such a source are of one fixed camera: parts of one may stand in another.
_ONE_CAMERA = {"mall"}


def labelled(folders: list[Path]) -> list[Row]:
    """Return the rows with people of all folders: the lists and hand-counted frames there."""
    return _found(folders, (*_LISTS, COUNTS))


def parted(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows to learn from and those held out, some of every source."""
    seen: Counter[str] = Counter()
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        seen[row.source] += 1
        parts[seen[row.source] % _HELD_OUT == 0].append(row)
    return parts


def without(rows: list[Row], pattern: re.Pattern[str] | None) -> tuple[list[Row], list[Row]]:
    """Return the rows whose picture's path does not hold the pattern, and those that do."""
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        parts[bool(pattern and pattern.search(str(row.image)))].append(row)
    return parts


def scenes(folders: list[Path]) -> list[Row]:
    """Return the rows of pictures in which nobody is."""
    return without_people(_found(folders, _SCENES))


def plan(rows: list[Row], empty: list[Row], seed: int) -> Iterator[Make]:
    """Yield one maker per view; each draws from its own seed, so the order does not matter."""
    drawn = _Draws(seed * 1_000_000)
    for row in rows:
        others = [one for one in rows if one.source == row.source in _ONE_CAMERA]
        yield from _views(row, others, drawn)
    for row in empty:
        yield partial(_plain, row)
        yield partial(_scaled, row, drawn(), 0.6, 2.0)
    boxed = [row for row in rows if row.boxes]
    if not boxed or not empty:
        return
    bodies = cache(lambda: [pictures.people_of(row) for row in boxed])
    cuts = cache(lambda: [cut for row in boxed for cut in _cuts(row)])
    for number in range(_STREETS + _PASTED):
        draw = drawn()
        scene = empty[int(draw.integers(len(empty)))]
        yield (
            partial(_street, bodies, scene, draw)
            if number < _STREETS
            else partial(_pasted, cuts, scene, draw)
        )


def whole_frames(plan: Sequence[Make]) -> list[int]:
    """Return the numbers of the views that show a fixed camera's frame whole, not moved."""
    return [
        number
        for number, make in enumerate(plan)
        if isinstance(make, partial) and make.func in _WHOLE and make.args[0].source in _ONE_CAMERA
    ]


def plain_plan(rows: list[Row], empty: list[Row]) -> list[Make]:
    """Return one maker per picture: whole, as it is."""
    return [partial(_plain, row) for row in (*rows, *empty)]


class _Draws:
    def __init__(self, first: int) -> None:
        self._number = first

    def __call__(self) -> Random:
        self._number += 1
        return np.random.default_rng(self._number)


def _views(row: Row, others: list[Row], drawn: _Draws) -> Iterator[Make]:
    yield partial(_plain, row)
    if row.points is None and row.boxes is None:
        for _ in range(_OWN_AGAIN):
            yield partial(_seen_again, row, drawn())
        return
    whole, windows, least, most = _SHOWN.get(row.source, _OTHERS_SHOWN)
    for number in range(whole):
        draw = drawn()
        if others and number % 3:
            other = others[int(draw.integers(len(others)))]
            yield partial(_mixed, row, other, draw)
        else:
            yield partial(_seen_again, row, draw)
    for _ in range(windows):
        yield partial(_scaled, row, drawn(), least, most)


def _found(folders: list[Path], names: tuple[str, ...]) -> list[Row]:
    lists = [folder / name for folder in folders for name in names]
    return [row for path in lists if path.is_file() for row in good_rows(path)]


def _plain(row: Row) -> Sample:
    return pictures.plain(_people(row))


def _seen_again(row: Row, draw: Random) -> Sample:
    return pictures.seen_again(_people(row), draw)


def _mixed(row: Row, other: Row, draw: Random) -> Sample:
    return pictures.mixed(_people(row), _people(other), draw)


def _scaled(row: Row, draw: Random, least: float, most: float) -> Sample:
    return pictures.scaled(_people(row), draw, least, most)


def _street(bodies: Callable[[], list[People]], scene: Row, draw: Random) -> Sample:
    return fakes.street(bodies(), _people(scene), draw)


def _pasted(cuts: Callable[[], list[fakes.Cutout]], scene: Row, draw: Random) -> Sample:
    return fakes.pasted(cuts(), _people(scene), draw)


def _cuts(row: Row) -> list[fakes.Cutout]:
    boxes = [box for kind, box in row.boxes or () if kind == "person"]
    return fakes.cutouts(_people(row), boxes)


@lru_cache(maxsize=256)
def _people(row: Row) -> People:
    if "normal" in row.labels:
        empty = np.zeros((0, 3), np.float32)
        return People(pictures.load_picture(row), empty)
    return pictures.people_of(row)


_WHOLE = (_plain, _seen_again, _mixed)
