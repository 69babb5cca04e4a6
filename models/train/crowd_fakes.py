"""Makes crowds with known counts: people of labelled pictures on scenes without people."""

from dataclasses import dataclass

import numpy as np

from models.train import crowd_pictures as pictures
from models.train.crowd_pictures import Field, People, Picture, Random, Sample

_WIDE, _HIGH = pictures.WIDTH_PX, pictures.HEIGHT_PX
_MARGIN = 0.06  # of the body's height, kept around a cut-out
_MOST = 150


@dataclass(slots=True)
class Cutout:
    """A body, or as a decoy a piece without one, cut out of a picture; `tall_px` high."""

    picture: Picture
    tall_px: float
    head_y: float
    is_person: bool


def cutouts(people: People, boxes: list[tuple[float, float, float, float]]) -> list[Cutout]:
    """Cut out each body of normalised centre boxes that no other overlaps, and as many decoys."""
    height, width = people.picture.shape[:2]
    made = []
    for number, box in enumerate(boxes):
        if any(_share(box, other) > 0.1 for other in boxes[:number] + boxes[number + 1 :]):
            continue
        made.append(_cut(people.picture, box, is_person=True))
        for shift in (-1.6, 1.6):
            beside = (box[0] + shift * box[2], *box[1:])
            on_it = abs(beside[0] - 0.5) + box[2] / 2 <= 0.5
            if on_it and all(_share(beside, other) < 0.02 for other in boxes):
                made.append(_cut(people.picture, beside, is_person=False))
    return [cut for cut in made if min(cut.picture.shape[:2]) >= min(12, height, width)]


def pasted(cuts: list[Cutout], empty: People, draw: Random) -> Sample:
    """Return people who stand on an empty scene as a camera sees them: the lower, the larger."""
    canvas, _ = pictures.window(empty, float(draw.uniform(0.9, 2.0)), _WIDE, _HIGH, draw)
    canvas = canvas.copy()
    near_px = float(np.exp(draw.uniform(np.log(28), np.log(330))))
    far_px = max(14.0, near_px * float(draw.uniform(0.2, 0.95)))
    room = _WIDE * _HIGH / (0.25 * near_px * far_px)
    count = int(np.exp(draw.uniform(0, np.log(max(1.5, min(_MOST, room)))))) + 1
    horizon = float(draw.uniform(0.15, 0.5)) * _HIGH
    feet = np.sort(draw.uniform(horizon + far_px * 0.4, _HIGH * 1.15, count))
    heads = np.zeros((0, 3), np.float32)
    for foot in feet:
        nearness = min(1.0, max(0.0, (foot - horizon) / (_HIGH - horizon)))
        tall = (far_px + (near_px - far_px) * nearness) * float(draw.uniform(0.85, 1.15))
        cut = cuts[int(draw.integers(len(cuts)))]
        middle = float(draw.uniform(0, _WIDE))
        heads = _paste(canvas, heads, cut, (middle, float(foot), tall), draw)
    return pictures.weathered(canvas, heads, draw)


def street(crowd: list[People], empty: People, draw: Random) -> Sample:
    """Return a mosaic on an empty scene; its bodies are about equally tall (25-130 px)."""
    target = float(np.exp(draw.uniform(np.log(25), np.log(130))))
    kept = float(draw.uniform(0.05, 1.0))
    canvas, none = pictures.window(empty, float(draw.uniform(0.9, 2.0)), _WIDE, _HIGH, draw)
    canvas, heads = canvas.copy(), [none]
    top = 0
    while top < _HIGH:
        high = min(_HIGH - top, int(target * draw.uniform(1.4, 3.0)))
        left = 0
        while left < _WIDE:
            piece = crowd[int(draw.integers(len(crowd)))]
            scale = target * float(draw.uniform(0.75, 1.3)) / (piece.body_px or target)
            wide = min(_WIDE - left, max(24, int(piece.picture.shape[1] * scale)))
            if draw.random() < kept:
                part, seen = pictures.window(piece, scale, wide, high, draw)
                canvas[top : top + high, left : left + wide] = part
                heads.append(seen + np.array([left, top, 0], np.float32))
            left += wide
        top += high
    return pictures.weathered(canvas, np.concatenate(heads), draw)


def _paste(
    canvas: Picture, heads: Field, cut: Cutout, place: tuple[float, float, float], draw: Random
) -> Field:
    """Put a cut-out down with its feet at `place`; return the heads still to be seen."""
    middle, foot, tall = place
    scale = tall / cut.tall_px
    high, wide = (max(3, round(side * scale)) for side in cut.picture.shape[:2])
    body = pictures.resized(cut.picture, wide, high).astype(np.float32)
    if draw.random() < 0.5:
        body = body[:, ::-1]
    body *= np.float32(np.exp(draw.uniform(-0.35, 0.25)))
    left, top = round(middle - wide / 2), round(foot + _MARGIN * tall - high)
    y0, y1, x0, x1 = max(0, top), min(_HIGH, top + high), max(0, left), min(_WIDE, left + wide)
    if y1 - y0 < 2 or x1 - x0 < 2:
        return heads
    cover = _silhouette(high, wide)[y0 - top : y1 - top, x0 - left : x1 - left, None]
    part = canvas[y0:y1, x0:x1]
    seen = body[y0 - top : y1 - top, x0 - left : x1 - left]
    part[:] = np.clip(part + (seen - part) * cover, 0, 255).astype(np.uint8)
    column, row = (np.clip((heads[:, at] - (x0, y0)[at]).astype(int), -1, (x1 - x0, y1 - y0)[at])
                   for at in (0, 1))  # fmt: skip
    on_it = (column >= 0) & (row >= 0) & (column < x1 - x0) & (row < y1 - y0)
    hidden = np.zeros(len(heads), bool)
    hidden[on_it] = cover[row[on_it], column[on_it], 0] > 0.6
    heads = heads[~hidden]
    head_y = top + cut.head_y * scale
    if cut.is_person and 0 <= head_y < _HIGH and 0 <= middle < _WIDE:
        heads = np.concatenate([heads, np.array([[middle, head_y, tall]], np.float32)])
    return heads


def _silhouette(high: int, wide: int) -> Field:
    """Return how much of each pixel is body: narrow at the head, soft at the edges."""
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    y, x = (y + 0.5) / high, np.abs((x + 0.5) / wide - 0.5) * 2
    half = np.interp(y[:, 0], [0.03, 0.08, 0.15, 0.24, 0.6, 0.97], [0.2, 0.4, 0.45, 0.9, 0.9, 0.8])
    edge = 0.16
    across = np.clip((half[:, None] - x) / edge + 0.5, 0, 1)
    down = np.clip(np.minimum(y, 1 - y) / 0.05, 0, 1)
    cover: Field = (across * down).astype(np.float32)
    return cover


def _cut(picture: Picture, box: tuple[float, float, float, float], *, is_person: bool) -> Cutout:
    height, width = picture.shape[:2]
    cx, cy, w, h = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    around = _MARGIN * h
    x0, x1 = max(0, round(cx - w / 2 - around)), min(width, round(cx + w / 2 + around))
    y0, y1 = max(0, round(cy - h / 2 - around)), min(height, round(cy + h / 2 + around))
    head_y = cy - h / 2 + 0.07 * h - y0
    return Cutout(picture[y0:y1, x0:x1], h, head_y, is_person)


def _share(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the part of `one` that `other` covers."""
    wide = min(one[0] + one[2] / 2, other[0] + other[2] / 2) - max(
        one[0] - one[2] / 2, other[0] - other[2] / 2
    )
    high = min(one[1] + one[3] / 2, other[1] + other[3] / 2) - max(
        one[1] - one[3] / 2, other[1] - other[3] / 2
    )
    return max(0.0, wide) * max(0.0, high) / (one[2] * one[3])
