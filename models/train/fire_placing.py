"""Puts training scenes elsewhere: nearer, further away, between bars, four in one."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.rows import Box
from models.train.fire_pictures import (
    SIDE_PX,
    Boxes,
    Picture,
    Random,
    Sample,
    Scene,
    mirrored,
    part_of,
    resized,
    sample_of,
    weathered,
)

_LETTERS = list("ABCDEHIKLMNORSTUVaeinorstu 0123456789:/-  ")
_LOWEST = 0.04  # of the picture's height; lower flames have no shape at this size


def scaled(scene: Scene, ground: Scene, draw: Random) -> Sample:
    """Return the scene so near or so far that one of its boxes has a height drawn at random.

    What is further away than the picture allows stands on another, normal scene. Without boxes
    the whole scene takes 0.35 to 0.9 of both sides.
    """
    if not scene.boxes:
        return sample_of(
            weathered(_placed(scene, ground, float(draw.uniform(0.35, 0.9)), draw), draw)
        )
    cx, cy, width, height = scene.boxes[int(draw.integers(len(scene.boxes)))][1]
    wanted = float(np.exp(draw.uniform(np.log(_LOWEST), np.log(1.1))))
    side = float(np.clip(max(height, 0.7 * width) / wanted, 0.12, 1 / 0.35))
    if side > 1:
        return sample_of(weathered(_placed(scene, ground, 1 / side, draw), draw))
    x0, y0 = (float(np.clip(c - side * draw.uniform(0.2, 0.8), 0, 1 - side)) for c in (cx, cy))
    part = part_of(scene, x0, y0, side, side)
    return sample_of(weathered(mirrored(part) if draw.random() < 0.5 else part, draw))


def framed(scene: Scene, draw: Random) -> Sample:
    """Return the scene as news and web clips show it: between bars, with captions and a clock.

    Without these the network learns that black bars mean smoke: in fire-8 they mostly do.
    """
    side = SIDE_PX * 2
    share = float(draw.uniform(0.45, 0.9))
    wide, high = (share, 1.0) if draw.random() < 0.7 else (1.0, share)
    left, top = (float(draw.uniform(0.3, 0.7)) * (1 - s) for s in (wide, high))
    place = (left, top, left + wide, top + high)
    if draw.random() < 0.6:
        canvas = np.full((side, side, 3), int(draw.integers(0, 12)), np.uint8)
    else:
        canvas = resized(resized(scene.picture, 12, 12), side, side).copy()
    x0, y0, x1, y1 = (round(edge * side) for edge in place)
    canvas[y0:y1, x0:x1] = resized(scene.picture, x1 - x0, y1 - y0)
    boxes = None if scene.boxes is None else [(k, _inside(b, place)) for k, b in scene.boxes]
    shown = _captioned(canvas, draw) if draw.random() < 0.6 else canvas
    return sample_of(weathered(Scene(shown, scene.labels, boxes, scene.smoke_known), draw))


def mosaic(scenes: list[Scene], draw: Random) -> Sample:
    """Return four pictures in one: small objects in strange surroundings."""
    cut_x, cut_y = draw.uniform(0.25, 0.75, 2)
    canvas = np.zeros((SIDE_PX * 2, SIDE_PX * 2, 3), np.uint8)
    labels: frozenset[str] = frozenset()
    boxes: Boxes | None = []
    corners = ((0.0, 0.0, cut_x, cut_y), (cut_x, 0.0, 1.0, cut_y), (0.0, cut_y, cut_x, 1.0))
    for scene, (x0, y0, x1, y1) in zip(scenes, (*corners, (cut_x, cut_y, 1.0, 1.0)), strict=True):
        px = [round(float(v) * SIDE_PX * 2) for v in (x0, y0, x1, y1)]
        canvas[px[1] : px[3], px[0] : px[2]] = resized(scene.picture, px[2] - px[0], px[3] - px[1])
        labels |= scene.labels
        if scene.boxes is None or boxes is None:
            boxes = None
        else:
            boxes += [(k, _inside(b, (x0, y0, x1, y1))) for k, b in scene.boxes]
    known = all(s.smoke_known for s in scenes) or "smoke" in labels
    return sample_of(weathered(Scene(canvas, labels, boxes, known), draw))


def _placed(scene: Scene, ground: Scene, share: float, draw: Random) -> Scene:
    """Put a whole scene, smaller, on a normal one."""
    side = SIDE_PX * 2
    canvas = resized(ground.picture, side, side).copy()
    px = round(share * side)
    left, top = (int(v) for v in draw.integers(0, side - px + 1, 2))
    canvas[top : top + px, left : left + px] = resized(scene.picture, px, px)
    place = (left / side, top / side, (left + px) / side, (top + px) / side)
    boxes = None if scene.boxes is None else [(k, _inside(b, place)) for k, b in scene.boxes]
    return Scene(canvas, scene.labels, boxes, scene.smoke_known)


def _captioned(picture: Picture, draw: Random) -> Picture:
    """Write a clock, a mark or lines of a caption on a picture."""
    shown = Image.fromarray(picture)
    pen, side = ImageDraw.Draw(shown), shown.width
    for _ in range(int(draw.integers(1, 4))):
        size = int(draw.integers(side // 40, side // 14))
        x, y = int(draw.uniform(0, 0.7) * side), int(draw.choice([0.01, 0.04, 0.8, 0.88]) * side)
        words = "".join(draw.choice(_LETTERS, int(draw.integers(4, 26))))
        font = ImageFont.load_default(size)
        if draw.random() < 0.4:
            pen.rectangle(pen.textbbox((x, y), words, font), (int(draw.integers(0, 200)),) * 3)
        pen.text((x, y), words, tuple(int(v) for v in draw.integers(120, 256, 3)), font)
    return np.asarray(shown)


def _inside(box: Box, place: tuple[float, float, float, float]) -> Box:
    """Move a box of a whole picture to where the picture stands in the mosaic."""
    x0, y0, x1, y1 = place
    width, height = x1 - x0, y1 - y0
    return (x0 + box[0] * width, y0 + box[1] * height, box[2] * width, box[3] * height)
