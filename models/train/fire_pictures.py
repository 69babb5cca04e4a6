"""Makes training pictures for the fire model from real ones: crops and weather."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.rows import Box, Row, load_picture

SIDE_PX = 320  # of the network's input; all else here and in the export follows
CELLS = SIDE_PX // 32
KINDS = ("fire", "smoke")
_VISIBLE = 0.15  # a cell counts as burning when this part of it lies inside a box
_LEFT_OVER = 0.3  # a cropped box still counts when this part of it is left
_MIN_CELLS = 0.003  # or when it fills this part of the crop
_DARK = 0.12  # share of dim pictures, and of pictures in coloured light
_CAST, _STRONG_CAST = 0.05, 0.22

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Random = np.random.Generator
Boxes = list[tuple[str, Box]]


@dataclass(slots=True)
class Scene:
    """A picture and what burns; `boxes` None = somewhere, `smoke_known` False = not labelled."""

    picture: Picture
    labels: frozenset[str]
    boxes: Boxes | None
    smoke_known: bool


@dataclass(slots=True)
class Sample:
    """Network input and targets; weights are 0 where the truth is not known."""

    picture: Picture
    label: Field
    label_weight: Field
    cells: Field
    cells_weight: Field


def scene_of(row: Row) -> Scene:
    """Load a row's picture with its truth."""
    labels = row.labels & set(KINDS)
    boxes = None if row.boxes is None else [b for b in row.boxes if b[0] in KINDS]
    if not labels:
        boxes = []
    return Scene(load_picture(row), labels, boxes, not row.smoke_unlabelled)


def plain(scene: Scene) -> Sample:
    """Return the whole picture, as the gateway feeds it."""
    return sample_of(scene)


def whole(scene: Scene, draw: Random) -> Sample:
    """Return the whole picture, mirrored or not, in other light."""
    return sample_of(weathered(mirrored(scene) if draw.random() < 0.5 else scene, draw))


def mirrored(scene: Scene) -> Scene:
    """Return the scene as a mirror shows it."""
    boxes = scene.boxes
    if boxes is not None:
        boxes = [(kind, (1 - box[0], *box[1:])) for kind, box in boxes]
    return Scene(scene.picture[:, ::-1], scene.labels, boxes, scene.smoke_known)


def cropped(scene: Scene, draw: Random) -> Sample:
    """Return a random part, mirrored or not, with changed light, noise and compression."""
    least = 0.7 if scene.boxes is None else 0.35 if scene.labels else 0.2
    part = crop(scene, draw, float(draw.uniform(least, 1.0)))
    return sample_of(weathered(part, draw))


def sample_of(scene: Scene) -> Sample:
    label = np.array([kind in scene.labels for kind in KINDS], np.float32)
    known = np.array([1.0, float(scene.smoke_known)], np.float32)
    cells = np.zeros((CELLS, CELLS, 2), np.float32)
    weight = np.zeros((CELLS, CELLS, 2), np.float32)
    if scene.boxes is not None:
        cells, weight = _cells(scene.boxes)
        weight[..., 1] *= known[1]
        for index, kind in enumerate(KINDS):
            if kind in scene.labels and not any(k == kind for k, _ in scene.boxes):
                weight[..., index] = 0.0
    picture = resized(scene.picture, SIDE_PX, SIDE_PX)
    return Sample(picture, label, known, cells, weight)


def _cells(boxes: Boxes) -> tuple[Field, Field]:
    """Return burning cells and weights; cells that a box only touches are left out."""
    cells = np.zeros((CELLS, CELLS, 2), np.float32)
    weight = np.ones((CELLS, CELLS, 2), np.float32)
    for kind, (cx, cy, width, height) in boxes:
        index = KINDS.index(kind)
        across = _overlap(cx - width / 2, cx + width / 2)
        down = _overlap(cy - height / 2, cy + height / 2)
        part = np.outer(down, across)
        on = part >= _VISIBLE
        on[min(CELLS - 1, int(max(0, cy) * CELLS)), min(CELLS - 1, int(max(0, cx) * CELLS))] = True
        cells[..., index] = np.maximum(cells[..., index], on)
        weight[..., index] *= 1.0 - ((part > 0) & ~on)
    return cells, np.maximum(weight, cells)


def _overlap(low: float, high: float) -> Field:
    """Return which part of each of the cells in a row lies between two edges."""
    edges = np.arange(CELLS + 1) / CELLS
    part = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    shares: Field = np.clip(part * CELLS, 0.0, 1.0).astype(np.float32)
    return shares


def crop(scene: Scene, draw: Random, part: float) -> Scene:
    """Cut out a part of both sides' length and mirror it half the time; boxes follow."""
    stretch = float(np.exp(draw.uniform(-0.2, 0.2)))
    width, height = min(1.0, part * stretch), min(1.0, part / stretch)
    x0, y0 = draw.uniform(0, 1 - width + 1e-9), draw.uniform(0, 1 - height + 1e-9)
    cut = part_of(scene, float(x0), float(y0), width, height)
    return mirrored(cut) if draw.random() < 0.5 else cut


def part_of(scene: Scene, x0: float, y0: float, width: float, height: float) -> Scene:
    """Cut out a part, all in shares of the picture; boxes follow."""
    picture = window(scene.picture, x0, y0, x0 + width, y0 + height)
    if scene.boxes is None:
        return Scene(picture, scene.labels, None, scene.smoke_known)
    boxes: Boxes = []
    for kind, box in scene.boxes:
        seen = _seen(box, x0, y0, width, height)
        if seen is not None:
            boxes.append((kind, seen))
    kept = frozenset(kind for kind, _ in boxes)
    unboxed = scene.labels - {kind for kind, _ in scene.boxes}
    return Scene(picture, kept | unboxed, boxes, scene.smoke_known)


def _seen(box: Box, x0: float, y0: float, width: float, height: float) -> Box | None:
    """Return what a crop shows of a box, or None where that is too little."""
    cx, cy, w, h = box
    left, right = max(cx - w / 2, x0), min(cx + w / 2, x0 + width)
    top, bottom = max(cy - h / 2, y0), min(cy + h / 2, y0 + height)
    if right <= left or bottom <= top:
        return None
    area = (right - left) * (bottom - top)
    if area < _LEFT_OVER * w * h and area < _MIN_CELLS * width * height:
        return None
    return (
        ((left + right) / 2 - x0) / width,
        ((top + bottom) / 2 - y0) / height,
        (right - left) / width,
        (bottom - top) / height,
    )


def weathered(scene: Scene, draw: Random) -> Scene:
    """Change light and colour, add noise and blur as cheap cameras do."""
    picture = resized(scene.picture, SIDE_PX, SIDE_PX).astype(np.float32)
    dark = draw.random() < _DARK
    gain = float(np.exp(draw.uniform(-1.3, -0.4) if dark else draw.uniform(-0.35, 0.25)))
    cast = _STRONG_CAST if draw.random() < _DARK else _CAST
    tint = np.exp(draw.normal(0, cast, 3)).astype(np.float32)
    picture = (picture - 128) * float(np.exp(draw.uniform(-0.3, 0.2))) + 128
    picture = picture * gain * tint
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * float(draw.uniform(0.5, 1.25))
    if draw.random() < 0.4:
        strength = np.float32(draw.uniform(1, 12))
        picture = picture + strength * draw.standard_normal(picture.shape, np.float32)
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if draw.random() < 0.3:
        small = int(draw.integers(SIDE_PX * 2 // 5, SIDE_PX))
        shown = resized(resized(shown, small, small), SIDE_PX, SIDE_PX)
    if draw.random() < 0.3:
        shown = _compressed(shown, int(draw.integers(25, 80)))
    return Scene(shown, scene.labels, scene.boxes, scene.smoke_known)


def _compressed(picture: Picture, quality: int) -> Picture:
    """Return what a camera with a narrow line makes of it."""
    kept = io.BytesIO()
    Image.fromarray(picture).save(kept, "JPEG", quality=quality)
    return np.asarray(Image.open(kept))


def window(picture: Picture, x0: float, y0: float, x1: float, y1: float) -> Picture:
    height, width = picture.shape[:2]
    left, top = max(0, int(x0 * width)), max(0, int(y0 * height))
    right, bottom = max(left + 4, round(x1 * width)), max(top + 4, round(y1 * height))
    return picture[top:bottom, left:right]


def resized(picture: Picture, width: int, height: int) -> Picture:
    if picture.shape[:2] == (height, width):
        return picture
    shown = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(shown.resize((width, height), Image.Resampling.BILINEAR))


def places() -> tuple[Field, Field]:
    """Return each pixel's row and column as a share of the picture."""
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32) / SIDE_PX
    return rows, columns
