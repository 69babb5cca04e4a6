"""Makes training pictures for the crowd model: many scales, street mosaics, empty scenes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.rows import Row, load_picture

WIDTH_PX, HEIGHT_PX = 512, 384
STRIDE_PX = 8
COLUMNS, ROWS = WIDTH_PX // STRIDE_PX, HEIGHT_PX // STRIDE_PX
_SIGMA_CELLS = 1.2
_REACH = 4  # cells each side that one head touches
_PADDING = 127
_HEAD_SHARE = 0.07  # a head's middle lies this part of the body's height below its top

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Random = np.random.Generator


@dataclass(slots=True)
class People:
    """A picture, the heads on it in pixels (n x 2), and the usual body height where known."""

    picture: Picture
    heads: Field
    body_px: float | None


@dataclass(slots=True)
class Sample:
    """Network input (384 x 512 x 3) and people per cell (48 x 64)."""

    picture: Picture
    density: Field


def people_of(row: Row) -> People:
    """Load a row's picture with its heads; whole-body boxes become heads at their upper end."""
    picture = load_picture(row)
    height, width = picture.shape[:2]
    if row.points is not None:
        return People(picture, np.array(row.points, np.float32).reshape(-1, 2), None)
    boxes = [box for kind, box in row.boxes or () if kind == "person"]
    heads = [(cx * width, (cy - h / 2 + _HEAD_SHARE * h) * height) for cx, cy, _, h in boxes]
    tall = float(np.median([h * height for *_, h in boxes])) if boxes else None
    return People(picture, np.array(heads, np.float32).reshape(-1, 2), tall)


def plain(people: People) -> Sample:
    """Return the whole picture, as the gateway feeds it."""
    height, width = people.picture.shape[:2]
    scale = np.array([WIDTH_PX / width, HEIGHT_PX / height], np.float32)
    return Sample(resized(people.picture, WIDTH_PX, HEIGHT_PX), density_of(people.heads * scale))


def scaled(people: People, draw: Random, least: float, most: float) -> Sample:
    """Return a random window at a random scale (output pixels per picture pixel)."""
    scale = float(np.exp(draw.uniform(np.log(least), np.log(most))))
    canvas, heads = _window(people, scale, WIDTH_PX, HEIGHT_PX, draw)
    return _weathered(canvas, heads, draw)


def street(crowd: list[People], empty: People, draw: Random) -> Sample:
    """Return a mosaic on an empty scene; its bodies are about equally tall (25-130 px)."""
    target = float(np.exp(draw.uniform(np.log(25), np.log(130))))
    kept = float(draw.uniform(0.05, 1.0))
    canvas, none = _window(empty, float(draw.uniform(0.9, 2.0)), WIDTH_PX, HEIGHT_PX, draw)
    canvas, heads = canvas.copy(), [none]
    top = 0
    while top < HEIGHT_PX:
        high = min(HEIGHT_PX - top, int(target * draw.uniform(1.4, 3.0)))
        left = 0
        while left < WIDTH_PX:
            piece = crowd[int(draw.integers(len(crowd)))]
            scale = target * float(draw.uniform(0.75, 1.3)) / (piece.body_px or target)
            wide = min(WIDTH_PX - left, max(24, int(piece.picture.shape[1] * scale)))
            if draw.random() < kept:
                part, seen = _window(piece, scale, wide, high, draw)
                canvas[top : top + high, left : left + wide] = part
                heads.append(seen + np.array([left, top], np.float32))
            left += wide
        top += high
    return _weathered(canvas, np.concatenate(heads), draw)


def density_of(heads_px: Field) -> Field:
    """Spread each head as a small hill of sum 1 over the cells; heads outside count nothing."""
    density = np.zeros((ROWS + 2 * _REACH, COLUMNS + 2 * _REACH), np.float32)
    around = np.arange(-_REACH, _REACH + 1)
    for x, y in heads_px / STRIDE_PX:
        if not (0 <= x < COLUMNS and 0 <= y < ROWS):
            continue
        column, row = int(x), int(y)
        across = np.exp(-((around + column + 0.5 - x) ** 2) / (2 * _SIGMA_CELLS**2))
        down = np.exp(-((around + row + 0.5 - y) ** 2) / (2 * _SIGMA_CELLS**2))
        hill = np.outer(down, across)
        inside_down = (row + around >= 0) & (row + around < ROWS)
        inside_across = (column + around >= 0) & (column + around < COLUMNS)
        hill = hill * inside_down[:, None] * inside_across[None, :]
        size = 2 * _REACH + 1
        density[row : row + size, column : column + size] += hill / hill.sum()
    return density[_REACH:-_REACH, _REACH:-_REACH]


def resized(picture: Picture, width: int, height: int) -> Picture:
    """Resize as `haidang_gateway.vision.picture.to_input` does, only faster."""
    shown = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(shown.resize((width, height), Image.Resampling.BILINEAR))


def _window(
    people: People, scale: float, width: int, height: int, draw: Random
) -> tuple[Picture, Field]:
    """Scale a picture and cut a window out, mirrored half the time; outside it is grey."""
    source = people.picture
    big_w, big_h = max(4, int(source.shape[1] * scale)), max(4, int(source.shape[0] * scale))
    left, top = (_offset(big, small, draw) for big, small in ((big_w, width), (big_h, height)))
    canvas = np.full((height, width, 3), _PADDING, np.uint8)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(big_w, left + width), min(big_h, top + height)
    box = tuple(v / scale for v in (x0, y0, x1, y1))
    shown = Image.fromarray(source).resize(
        (x1 - x0, y1 - y0), Image.Resampling.BILINEAR, _bounded(box, source.shape)
    )
    canvas[y0 - top : y1 - top, x0 - left : x1 - left] = np.asarray(shown)
    heads = people.heads * scale - np.array([left, top], np.float32)
    inside = (heads >= 0).all(axis=1) & (heads < [width, height]).all(axis=1)
    heads = heads[inside]
    if draw.random() < 0.5:
        canvas = canvas[:, ::-1]
        heads = np.stack([width - 1 - heads[:, 0], heads[:, 1]], axis=1)
    return canvas, heads


def _offset(big: int, small: int, draw: Random) -> int:
    low, high = min(0, big - small), max(0, big - small)
    return int(draw.integers(low, high + 1))


def _bounded(box: tuple[float, ...], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return (x0, y0, min(x1, float(shape[1])), min(y1, float(shape[0])))


def _weathered(canvas: Picture, heads: Field, draw: Random) -> Sample:
    """Change light, colour and sharpness as cheap cameras do."""
    picture = canvas.astype(np.float32)
    picture = (picture - 128) * float(np.exp(draw.uniform(-0.35, 0.25))) + 128
    picture = picture * float(np.exp(draw.uniform(-0.4, 0.25)))
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * float(draw.uniform(0.3, 1.3))
    if draw.random() < 0.4:
        picture = picture + draw.normal(0, draw.uniform(1, 12), picture.shape)
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if draw.random() < 0.3:
        part = float(draw.uniform(0.4, 0.8))
        small = resized(shown, int(WIDTH_PX * part), int(HEIGHT_PX * part))
        shown = resized(small, WIDTH_PX, HEIGHT_PX)
    return Sample(shown, density_of(heads))
