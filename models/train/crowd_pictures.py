"""Makes training pictures for the crowd model: whole, at many scales; and what is to be seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.rows import Row, RowError, load_picture

WIDTH_PX, HEIGHT_PX = 512, 384
STRIDE_PX = 8
COLUMNS, ROWS = WIDTH_PX // STRIDE_PX, HEIGHT_PX // STRIDE_PX
PADDING = 127
_HEAD_SHARE = 0.07  # a head's middle lies this part of the body's height below its top
_HILL_CELLS = 1.2  # half-width of a head's hill of density
_PEAK_CELLS = 0.8
# The bodies from which on a head is so large that its middle cannot be told to a cell.
_LARGE_HILL_PX, _LARGE_PEAK_PX = 120.0, 160.0
_WIDEST_CELLS = 2.5
_REACH = 8  # cells each side that one head touches

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Random = np.random.Generator


@dataclass(slots=True)
class People:
    """A picture with its heads: n x 3 of x, y and the body's height in pixels, 0 where unknown.

    `count` people are in it where nobody marked their heads, else None.
    """

    picture: Picture
    heads: Field
    count: int | None = None

    @property
    def body_px(self) -> float | None:
        """The usual height of a body where it is known."""
        known = self.heads[self.heads[:, 2] > 0, 2]
        return float(np.median(known)) if len(known) else None


@dataclass(slots=True)
class Sample:
    """Network input (384 x 512 x 3), people per cell and head or not (48 x 64 each).

    Where only the `count` is known (`marked` is 0) people are spread evenly.
    """

    picture: Picture
    density: Field
    peaks: Field
    marked: float


def people_of(row: Row) -> People:
    """Load a row's picture with its heads; whole-body boxes become heads at their upper end.

    RowError where the row does not tell how many there are.
    """
    picture = load_picture(row)
    height, width = picture.shape[:2]
    if row.points is not None:
        return People(picture, _heads([(x, y, 0.0) for x, y in row.points]))
    if row.boxes is None:
        if row.count is None:
            raise RowError(f"{row.where}: needs `count`, `points` or `boxes`")
        return People(picture, _heads([]), row.count)
    bodies = [box for kind, box in row.boxes if kind == "person"]
    return People(
        picture,
        _heads([
            (cx * width, (cy - h / 2 + _HEAD_SHARE * h) * height, h * height)
            for cx, cy, _, h in bodies
        ]),
    )  # fmt: skip


def plain(people: People) -> Sample:
    """Return the whole picture, as the gateway feeds it."""
    canvas, heads = _whole(people)
    return sample(canvas, heads, people.count)


def seen_again(people: People, draw: Random) -> Sample:
    """Return the whole picture in other light, mirrored half the time."""
    canvas, heads = _mirrored(*_whole(people), draw)
    return weathered(canvas, heads, draw, people.count)


def mixed(people: People, other: People, draw: Random) -> Sample:
    """Return the whole picture with up to three parts of another of the same camera in it."""
    (canvas, heads), (more, others) = _whole(people), _whole(other)
    canvas = canvas.copy()
    for _ in range(int(draw.integers(1, 4))):
        wide, high = (int(side * draw.uniform(0.15, 0.6)) for side in (WIDTH_PX, HEIGHT_PX))
        left, top = int(draw.integers(WIDTH_PX - wide)), int(draw.integers(HEIGHT_PX - high))
        canvas[top : top + high, left : left + wide] = more[top : top + high, left : left + wide]
        low, end = np.array([left, top]), np.array([left + wide, top + high])
        kept, come = (
            ((one[:, :2] >= low) & (one[:, :2] < end)).all(axis=1) for one in (heads, others)
        )
        heads = np.concatenate([heads[~kept], others[come]])
    return weathered(*_mirrored(canvas, heads, draw), draw)


def scaled(people: People, draw: Random, least: float, most: float) -> Sample:
    """Return a random window at a random scale (output pixels per picture pixel)."""
    scale = float(np.exp(draw.uniform(np.log(least), np.log(most))))
    canvas, heads = window(people, scale, WIDTH_PX, HEIGHT_PX, draw)
    return weathered(canvas, heads, draw)


def sample(canvas: Picture, heads: Field, count: int | None = None) -> Sample:
    """Draw both maps of a finished picture."""
    if count is not None:
        even = np.full((ROWS, COLUMNS), count / (ROWS * COLUMNS), np.float32)
        return Sample(canvas, even, np.zeros_like(even), 0.0)
    return Sample(canvas, density_of(heads), peaks_of(heads), 1.0)


def density_of(heads: Field) -> Field:
    """Spread each head as a small hill of sum 1 over the cells; heads outside count nothing."""
    density = np.zeros((ROWS + 2 * _REACH, COLUMNS + 2 * _REACH), np.float32)
    around = np.arange(-_REACH, _REACH + 1)
    for column, row, x, y, body_px in _cells(heads):
        width = min(_WIDEST_CELLS, max(_HILL_CELLS, body_px / _LARGE_HILL_PX))
        across = np.exp(-((around + column + 0.5 - x) ** 2) / (2 * width**2))
        down = np.exp(-((around + row + 0.5 - y) ** 2) / (2 * width**2))
        inside_down = (row + around >= 0) & (row + around < ROWS)
        inside_across = (column + around >= 0) & (column + around < COLUMNS)
        hill = np.outer(down * inside_down, across * inside_across)
        size = 2 * _REACH + 1
        density[row : row + size, column : column + size] += hill / hill.sum()
    return density[_REACH:-_REACH, _REACH:-_REACH]


def peaks_of(heads: Field) -> Field:
    """Return 1 in each head's cell, falling off around it."""
    peaks = np.zeros((ROWS, COLUMNS), np.float32)
    rows, columns = np.arange(ROWS)[:, None], np.arange(COLUMNS)[None]
    for column, row, _, _, body_px in _cells(heads):
        width = min(_WIDEST_CELLS, max(_PEAK_CELLS, body_px / _LARGE_PEAK_PX))
        y0, x0 = max(0, row - _REACH), max(0, column - _REACH)
        part = np.s_[y0 : row + _REACH + 1, x0 : column + _REACH + 1]
        away = (rows[part[0]] - row) ** 2 + (columns[:, part[1]] - column) ** 2
        np.maximum(peaks[part], np.exp(-away / (2 * width**2)), out=peaks[part])
    return peaks


def resized(picture: Picture, width: int, height: int) -> Picture:
    """Resize as `haidang_gateway.vision.picture.to_input` does, only faster."""
    shown = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(shown.resize((width, height), Image.Resampling.BILINEAR))


def window(
    people: People, scale: float, width: int, height: int, draw: Random
) -> tuple[Picture, Field]:
    """Scale a picture and cut a window out, mirrored half the time; outside it is grey."""
    source = people.picture
    big_w, big_h = max(4, int(source.shape[1] * scale)), max(4, int(source.shape[0] * scale))
    left, top = (_offset(big, small, draw) for big, small in ((big_w, width), (big_h, height)))
    canvas = np.full((height, width, 3), PADDING, np.uint8)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(big_w, left + width), min(big_h, top + height)
    box = tuple(v / scale for v in (x0, y0, x1, y1))
    shown = Image.fromarray(source).resize(
        (x1 - x0, y1 - y0), Image.Resampling.BILINEAR, _bounded(box, source.shape)
    )
    canvas[y0 - top : y1 - top, x0 - left : x1 - left] = np.asarray(shown)
    heads = people.heads * np.float32(scale) - np.array([left, top, 0], np.float32)
    inside = (heads[:, :2] >= 0).all(axis=1) & (heads[:, :2] < [width, height]).all(axis=1)
    return _mirrored(canvas, heads[inside], draw)


def weathered(canvas: Picture, heads: Field, draw: Random, count: int | None = None) -> Sample:
    """Change light, colour and sharpness as cheap cameras do."""
    picture = canvas.astype(np.float32)
    picture = (picture - 128) * float(np.exp(draw.uniform(-0.35, 0.25))) + 128
    picture = picture * float(np.exp(draw.uniform(-0.4, 0.25)))
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * float(draw.uniform(0.3, 1.3))
    if draw.random() < 0.4:
        noise = draw.standard_normal(picture.shape, np.float32)
        picture = picture + noise * np.float32(draw.uniform(1, 12))
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if draw.random() < 0.3:
        part = float(draw.uniform(0.4, 0.8))
        small = resized(shown, int(WIDTH_PX * part), int(HEIGHT_PX * part))
        shown = resized(small, WIDTH_PX, HEIGHT_PX)
    return sample(shown, heads, count)


def _whole(people: People) -> tuple[Picture, Field]:
    height, width = people.picture.shape[:2]
    down = HEIGHT_PX / height
    scale = np.array([WIDTH_PX / width, down, down], np.float32)
    return resized(people.picture, WIDTH_PX, HEIGHT_PX), people.heads * scale


def _mirrored(canvas: Picture, heads: Field, draw: Random) -> tuple[Picture, Field]:
    if draw.random() < 0.5:
        return canvas, heads
    heads = heads.copy()
    heads[:, 0] = canvas.shape[1] - 1 - heads[:, 0]
    return canvas[:, ::-1], heads


def _cells(heads: Field) -> list[tuple[int, int, float, float, float]]:
    """Return column, row, exact place in cells and body height of the heads in the picture."""
    inside = [
        (x / STRIDE_PX, y / STRIDE_PX, tall)
        for x, y, tall in heads.tolist()
        if 0 <= x < WIDTH_PX and 0 <= y < HEIGHT_PX
    ]
    return [(int(x), int(y), x, y, tall) for x, y, tall in inside]


def _heads(rows: list[tuple[float, float, float]]) -> Field:
    return np.array(rows, np.float32).reshape(-1, 3)


def _offset(big: int, small: int, draw: Random) -> int:
    low, high = min(0, big - small), max(0, big - small)
    return int(draw.integers(low, high + 1))


def _bounded(box: tuple[float, ...], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return (x0, y0, min(x1, float(shape[1])), min(y1, float(shape[0])))
