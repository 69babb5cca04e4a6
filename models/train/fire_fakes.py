"""Makes training pictures for the fire model by drawing: fires on normal scenes, and cloths."""

import numpy as np
from haidang_tools.flames import flame_boxes, render_fire
from PIL import Image

from models.rows import Box
from models.train.fire_pictures import (
    KINDS,
    SIDE_PX,
    Boxes,
    Field,
    Picture,
    Random,
    Sample,
    Scene,
    crop,
    resized,
    sample_of,
    weathered,
    window,
)

_DIM = 0.25  # share of scenes that get dark before flames are pasted on
_LEAST_FLAME = 0.15  # a cutting with less flame than this part of it would teach nothing
_BRIGHT, _COLOURED = 130, 60  # levels of red, and of red above blue
# vests, coats, bags, tarpaulins; bright yellow cloth on grass was taken for flames without these
_CLOTHS = (
    (225, 250, 70), (250, 240, 60), (255, 215, 40), (255, 140, 20), (255, 95, 40), (230, 30, 30),
    (180, 20, 30), (255, 120, 150), (250, 250, 245), (60, 110, 230), (40, 170, 80),
)  # fmt: skip


def rendered(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene on which the renderer has lit one or two fires."""
    part = crop(scene, draw, float(draw.uniform(0.6, 1.0)))
    picture = resized(part.picture, SIDE_PX * 2, SIDE_PX * 2)
    boxes: Boxes = []
    for _ in range(1 if draw.random() < 0.8 else 2):
        fire = {
            "growth": float(draw.uniform(0.35, 1.0)),
            "x": float(draw.uniform(0.1, 0.9)),
            "y": float(draw.uniform(0.4, 1.0)),
            "height_frac": float(np.exp(draw.uniform(np.log(0.05), np.log(0.6)))),
        }
        seed = int(draw.integers(1 << 30))
        picture = render_fire(picture, t_s=float(draw.uniform(0, 60)), seed=seed, **fire)
        boxes += flame_boxes(picture.shape[1], picture.shape[0], seed=seed, **fire).items()
    return sample_of(weathered(Scene(picture, frozenset(KINDS), boxes, True), draw))


def pasted(scene: Scene, burning: Scene, draw: Random) -> Sample:
    """Return a normal scene, at times dim, with real flames cut from another picture.

    The flames are 0.03 to 0.5 of the picture's height, most of them small, and soft-edged.
    """
    part = crop(scene, draw, float(draw.uniform(0.6, 1.0)))
    side = SIDE_PX * 2
    canvas = resized(part.picture, side, side).astype(np.float32)
    if draw.random() < _DIM:
        canvas *= np.float32(draw.uniform(0.2, 0.6))
    fires = [b for k, b in burning.boxes or () if k == "fire"]
    flames = _cut(burning.picture, fires[int(draw.integers(len(fires)))])
    tall = int(side * np.exp(draw.uniform(np.log(0.03), np.log(0.5))))
    wide = max(side // 40, min(side * 2 // 3, round(tall * flames.shape[1] / flames.shape[0])))
    flames_px = resized(flames, wide, tall).astype(np.float32)
    left, top = int(draw.integers(0, side - wide)), int(draw.integers(0, side - tall))
    part_of = canvas[top : top + tall, left : left + wide]
    matte = _flame_matte(flames_px)[..., None]
    if float(_warmth(flames_px).mean()) < _LEAST_FLAME:
        return rendered(scene, draw)
    part_of[:] = part_of * (1 - matte) + flames_px * matte
    box = ((left + wide / 2) / side, (top + tall / 2) / side, wide / side, tall / side)
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    return sample_of(weathered(Scene(picture, frozenset({"fire"}), [("fire", box)], False), draw))


def clothed(scene: Scene, draw: Random, *, burning: bool) -> Sample:
    """Return a normal scene with crumpled bright cloths, vests and bags; with a fire if asked."""
    part = crop(scene, draw, float(draw.uniform(0.5, 1.0)))
    side = SIDE_PX * 2
    picture = resized(part.picture, side, side).astype(np.float32)
    for _ in range(int(draw.integers(1, 6))):
        wide, high = (int(v) for v in np.exp(draw.uniform(np.log(0.022), np.log(0.25), 2)) * side)
        left, top = int(draw.integers(0, side - wide)), int(draw.integers(0, side - high))
        cover = _crumpled(wide, high, draw)[..., None]
        shade = 0.75 + 0.5 * soft_noise(wide, high, draw)[..., None]
        colour = np.array(_CLOTHS[int(draw.integers(len(_CLOTHS)))]) * draw.uniform(0.8, 1.1)
        piece = picture[top : top + high, left : left + wide]
        piece[:] = piece * (1 - cover) + np.clip(colour * shade, 0, 255) * cover
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if burning:
        return rendered(Scene(shown, frozenset(), [], True), draw)
    return sample_of(weathered(Scene(shown, frozenset(), [], True), draw))


def warm_share(scene: Scene, box: Box) -> float:
    """Return how much of a box is red to yellow, 0..1; a white flame is a lamp to the eye."""
    cut = _cut(scene.picture, box).astype(np.int16)
    return float(((cut[..., 0] > _BRIGHT) & (cut[..., 0] - cut[..., 2] > _COLOURED)).mean())


def _crumpled(wide: int, high: int, draw: Random) -> Field:
    """Return a ragged patch with sharp edges, 0..1."""
    rows = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, wide, dtype=np.float32)[None, :]
    field = 1.3 - np.sqrt(rows**2 + columns**2) - 1.1 * soft_noise(wide, high, draw)
    cover: Field = np.clip(field * 12, 0, 1).astype(np.float32)
    return cover


def soft_noise(wide: int, high: int, draw: Random) -> Field:
    """Return smooth spots, 0..1."""
    coarse = draw.integers(0, 256, (5, 5), dtype=np.uint8)
    grown = Image.fromarray(coarse).resize((wide, high), Image.Resampling.BICUBIC)
    return np.asarray(grown, np.float32) / 255.0


def _flame_matte(flames: Field) -> Field:
    """Guess where flames are: bright, warm pixels, fading towards the cutting's border."""
    bright = np.clip((flames.min(axis=2) - 190) / 40, 0, 1)
    rows = np.linspace(-1, 1, flames.shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, flames.shape[1], dtype=np.float32)[None, :]
    edge = np.clip((1.05 - np.sqrt(rows**2 + columns**2)) * 3, 0, 1)
    matte: Field = (np.maximum(_warmth(flames), bright) * edge).astype(np.float32)
    return matte


def _warmth(flames: Field) -> Field:
    """Return how much like flames each pixel's colour is, 0..1."""
    red, green, blue = flames[..., 0], flames[..., 1], flames[..., 2]
    redder = np.clip((red - green + 25) / 25, 0, 1)
    warm: Field = (np.clip((red - 0.6 * blue - 60) / 60, 0, 1) * redder).astype(np.float32)
    return warm


def _cut(picture: Picture, box: Box) -> Picture:
    cx, cy, width, height = box
    return window(picture, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
