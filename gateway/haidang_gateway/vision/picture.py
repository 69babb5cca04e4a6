"""Pictures into the models, answers out of them; the live worker and the evaluation share it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.errors import ModelError
from haidang_gateway.model import Box
from haidang_gateway.vision.heads import people_map
from haidang_gateway.vision.resize import halved, taps

Picture = NDArray[np.uint8]
Grid = NDArray[np.float32]
Run = Callable[[Picture], tuple[Grid, ...]]

_BOX_SHARE = 0.6  # cells this close to the strongest one belong to the box
_PADDING = 127  # the networks' zero: the picture's surroundings say nothing
_FARTHER = 0.5
_MAX_TILES = 4  # per side; more would cost seconds on a small gateway


@dataclass(frozen=True, slots=True)
class FireScores:
    """Scores 0..1 of one picture.

    `cells_*` are maps (rows x columns) of where it burns or smokes, made of `logits` (rows x
    columns x 2) each time that they are asked for: a quiet picture needs none.
    """

    fire: float
    smoke: float
    logits: Grid

    @property
    def cells_fire(self) -> Grid:
        return _sigmoid(self.logits[..., 0])

    @property
    def cells_smoke(self) -> Grid:
        return _sigmoid(self.logits[..., 1])


@dataclass(frozen=True, slots=True)
class CrowdSpec:
    """How the crowd model wants its pictures and how far its counts may be trusted.

    `person_px` is the height of a standing person, in pixels of the model's input, at which it
    counts best; `error_share` and `error_floor` (people) make the interval, from validation.
    `closer_look_at` are the counts from which an uncalibrated picture is cut 2 x 2, then 3 x 3;
    one with fewer than `farther_look_below` is looked at again in half the size: there may be
    people too near to be seen.
    `peak_least`, `sparse_below` and `dense_from` say where peaks count and where density does, see
    `heads.people_map`.
    """

    width: int
    height: int
    person_px: float
    error_share: float
    error_floor: float
    closer_look_at: tuple[float, ...] = ()
    farther_look_below: float = 0.0
    peak_least: float = 0.3
    sparse_below: float = 4.0
    dense_from: float = 8.0


@dataclass(frozen=True, slots=True)
class CrowdCount:
    """People in one picture with an interval; the sum of `density_map` is `count`."""

    count: float
    low: float
    high: float
    density_map: Grid


class Shown(Protocol):
    """A picture of `width` x `height` that can be had in any size."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

    def sized(self, width: int, height: int) -> Picture:
        """Height x width x 3, proportions not kept."""


class Still:
    """A picture that is there as an array."""

    def __init__(self, rgb: Picture) -> None:
        """Store only; ModelError if it is no height x width x 3 bytes."""
        _check_picture(rgb)
        self._rgb = rgb
        self.height, self.width = int(rgb.shape[0]), int(rgb.shape[1])

    def sized(self, width: int, height: int) -> Picture:
        """Each pixel the mean of what it covers."""
        return to_input(self._rgb, width, height)


def to_input(rgb: Picture, width: int, height: int) -> Picture:
    """Resize a picture (h x w x 3) to height x width x 3, each the mean of what it covers."""
    _check_picture(rgb)
    if rgb.shape[:2] == (height, width):
        return np.ascontiguousarray(rgb)
    # Halving by plain means first keeps the exact part small: camera pictures come 5 a second.
    while rgb.shape[0] >= 2 * height and rgb.shape[1] >= 2 * width:
        rgb = halved(rgb)
    if rgb.shape[:2] == (height, width):
        return rgb
    rows, row_shares = taps(rgb.shape[0], height)
    columns, column_shares = taps(rgb.shape[1], width)
    tall = sum(rgb[at] * share[:, None, None] for at, share in zip(rows, row_shares, strict=True))
    small = sum(
        tall[:, at] * share[:, None] for at, share in zip(columns, column_shares, strict=True)
    )
    rounded: Picture = np.clip(small + np.float32(0.5), 0, 255).astype(np.uint8)
    return rounded


def upon_grey(picture: Shown, wide: int, high: int, width: int, height: int) -> Picture:
    """Return the picture, `wide` x `high`, in the middle of a grey one of `width` x `height`."""
    left, top = (width - wide) // 2, (height - high) // 2
    canvas = np.full((height, width, 3), _PADDING, np.uint8)
    canvas[top : top + high, left : left + wide] = picture.sized(wide, high)
    return canvas


def fire_scores(outputs: Sequence[Grid]) -> FireScores:
    """Turn the fire model's logits into scores.

    The outputs are 2 picture logits and a rows x columns x 2 cell map, in any order; ModelError if
    they have other shapes.
    """
    # The smaller one is the picture's.
    picture, *cells = sorted(outputs, key=_size)
    if len(cells) != 1 or picture.size != 2 or cells[0].ndim < 3 or cells[0].shape[-1] != 2:
        shapes = [o.shape for o in outputs]
        raise ModelError(f"the fire model answers with shapes {shapes}; take the released file")
    fire, smoke = picture.ravel().tolist()
    return FireScores(_score(fire), _score(smoke), cells[0].reshape(cells[0].shape[-3:]))


def strongest_box(cells: Grid) -> Box:
    """Return the box around the strongest cell and the strong cells that touch it.

    Normalised centre x, centre y, width, height.
    """
    high, wide = cells.shape
    top, left = divmod(int(cells.argmax()), wide)
    # Plain numbers: on a map this small each array operation costs more than all of them.
    rows = cells.tolist()
    limit = rows[top][left] * _BOX_SHARE
    joined, edge = {(top, left)}, [(top, left)]
    while edge:
        row, column = edge.pop()
        for at in (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1):
            inside = 0 <= at[0] < high and 0 <= at[1] < wide
            if inside and at not in joined and rows[at[0]][at[1]] >= limit:
                joined.add(at)
                edge.append(at)
    down, across = [row for row, _ in joined], [column for _, column in joined]
    return (
        (min(across) + max(across) + 1) / (2 * wide),
        (min(down) + max(down) + 1) / (2 * high),
        (max(across) - min(across) + 1) / wide,
        (max(down) - min(down) + 1) / high,
    )


def count_people(
    picture: Shown | Picture, person_px: float | None, run: Run, spec: CrowdSpec
) -> CrowdCount:
    """Count people in a picture of any size.

    `person_px` is the height of a standing person in this picture's pixels; `run` is the crowd
    model. For small people the picture is cut into tiles, up to 4 x 4, for big ones it is shrunk,
    so that people come out near `spec.person_px`. Where the height is not known (None), the whole
    picture is looked at once, in tiles too if that shows a crowd, in half the size too if hardly
    anybody: the look that shows more people counts.
    """
    if isinstance(picture, np.ndarray):
        picture = Still(picture)
    across, down, shrink = crowd_plan(picture.width, picture.height, person_px, spec)
    if shrink < 1.0:
        return crowd_count(_shrunken_density(picture, shrink, run, spec), spec)
    density = _tiled_density(picture, across, down, run, spec)
    if person_px is None:
        for tiles, crowd in enumerate(spec.closer_look_at, start=2):
            if density.sum() >= crowd:
                density = _tiled_density(picture, tiles, tiles, run, spec)
        if density.sum() < spec.farther_look_below:
            farther = _shrunken_density(picture, _FARTHER, run, spec)
            density = max(density, farther, key=np.sum)
    return crowd_count(density, spec)


def crowd_plan(
    width: int, height: int, person_px: float | None, spec: CrowdSpec
) -> tuple[int, int, float]:
    """Return tiles across, tiles down and shrinking (1 = none) for a picture of this size."""
    if person_px is None or person_px <= 0:
        return 1, 1, 1.0
    wanted = spec.person_px / person_px
    across = min(_MAX_TILES, max(1, round(width * wanted / spec.width)))
    down = min(_MAX_TILES, max(1, round(height * wanted / spec.height)))
    shrink = max(width * wanted / spec.width, height * wanted / spec.height)
    return across, down, max(0.25, shrink) if shrink < 0.7 else 1.0


def crowd_count(density: Grid, spec: CrowdSpec) -> CrowdCount:
    """Sum a density map (people per cell) to a count with its interval."""
    count = float(density.sum())
    error = max(spec.error_floor, spec.error_share * count)
    return CrowdCount(count, max(0.0, count - error), count + error, density)


def _tiled_density(picture: Shown, across: int, down: int, run: Run, spec: CrowdSpec) -> Grid:
    """Make the picture as large as all tiles together, once, then cut it."""
    large = picture.sized(across * spec.width, down * spec.height)
    if across == down == 1:
        seen = _seen(run(large))
        return _people(seen, seen.shape, spec)
    parts = [np.split(row, across, axis=1) for row in np.split(large, down)]
    maps = [[_seen(run(part)) for part in row] for row in parts]
    seen = np.concatenate([np.concatenate(row, axis=1) for row in maps], axis=0)
    return _people(seen, maps[0][0].shape, spec)


def _shrunken_density(picture: Shown, shrink: float, run: Run, spec: CrowdSpec) -> Grid:
    """Put the picture small into the middle of the input and cut its part out of the answer."""
    wide, high = round(spec.width * shrink), round(spec.height * shrink)
    left, top = (spec.width - wide) // 2, (spec.height - high) // 2
    seen = _seen(run(upon_grey(picture, wide, high, spec.width, spec.height)))
    rows, columns, _ = seen.shape
    y0, y1 = top * rows // spec.height, -(-(top + high) * rows // spec.height)
    x0, x1 = left * columns // spec.width, -(-(left + wide) * columns // spec.width)
    return _people(seen[y0:y1, x0:x1], seen.shape, spec)


def _seen(outputs: Sequence[Grid]) -> Grid:
    """Return rows x columns x 1 or 2: people per cell and, where the network tells them, peaks.

    The network answers with the square root of people per cell, which suits 8 bits.
    """
    if len(outputs) != 1 or outputs[0].ndim < 3 or outputs[0].shape[-1] not in (1, 2):
        raise ModelError("the crowd model has unexpected outputs; take the released file")
    maps = outputs[0].reshape(outputs[0].shape[-3:])
    seen = np.array(maps, np.float32)
    density = seen[..., 0]
    np.maximum(density, 0.0, out=density)
    density *= density
    return seen


def _people(seen: Grid, tile: tuple[int, ...], spec: CrowdSpec) -> Grid:
    return people_map(
        seen,
        (tile[0], tile[1]),
        peak_least=spec.peak_least,
        sparse_below=spec.sparse_below,
        dense_from=spec.dense_from,
    )


def _check_picture(rgb: Picture) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or min(rgb.shape[:2]) < 2:
        raise ModelError(f"a picture is height x width x 3 bytes, not {rgb.dtype} {rgb.shape}")


def _size(output: Grid) -> int:
    return output.size


def _score(logit: float) -> float:
    return 1 / (1 + exp(-max(logit, -30.0)))


def _sigmoid(logits: Grid) -> Grid:
    one = np.float32(1)
    scores: Grid = one / (one + np.exp(-np.maximum(logits, np.float32(-30))))
    return scores
