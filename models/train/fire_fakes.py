"""Makes training pictures for the fire model by drawing: fires on normal scenes, and traps."""

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

_LEAST_FLAME = 0.15  # a cutting with less flame than this part of it would teach nothing
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
            "height_frac": float(np.exp(draw.uniform(np.log(0.10), np.log(0.6)))),
        }
        seed = int(draw.integers(1 << 30))
        picture = render_fire(picture, t_s=float(draw.uniform(0, 60)), seed=seed, **fire)
        boxes += flame_boxes(picture.shape[1], picture.shape[0], seed=seed, **fire).items()
    return sample_of(weathered(Scene(picture, frozenset(KINDS), boxes, True), draw))


def pasted(scene: Scene, burning: Scene, draw: Random) -> Sample:
    """Return a normal scene with real flames cut from another picture, soft-edged."""
    part = crop(scene, draw, float(draw.uniform(0.6, 1.0)))
    canvas = resized(part.picture, SIDE_PX * 2, SIDE_PX * 2).astype(np.float32)
    fires = [b for k, b in burning.boxes or () if k == "fire"]
    flames = _cut(burning.picture, fires[int(draw.integers(len(fires)))])
    tall = int(np.exp(draw.uniform(np.log(40), np.log(240))))
    wide = max(16, min(300, round(tall * flames.shape[1] / flames.shape[0])))
    flames_px = resized(flames, wide, tall).astype(np.float32)
    left, top = int(draw.integers(0, 449 - wide)), int(draw.integers(0, 449 - tall))
    part_of = canvas[top : top + tall, left : left + wide]
    matte = _flame_matte(flames_px)[..., None]
    if float(matte.mean()) < _LEAST_FLAME:
        return rendered(scene, draw)
    part_of[:] = part_of * (1 - matte) + flames_px * matte
    side = SIDE_PX * 2
    box = ((left + wide / 2) / side, (top + tall / 2) / side, wide / side, tall / side)
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    return sample_of(weathered(Scene(picture, frozenset({"fire"}), [("fire", box)], False), draw))


def trapped(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene with flame-coloured things on it: cloths, lamps, signs, haze."""
    part = crop(scene, draw, float(draw.uniform(0.5, 1.0)))
    picture = resized(part.picture, SIDE_PX, SIDE_PX).astype(np.float32)
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32) / SIDE_PX
    for _ in range(int(draw.integers(1, 5))):
        x, y = draw.uniform(0.05, 0.95, 2)
        a, b = np.exp(draw.uniform(np.log(0.01), np.log(0.18), 2))
        if draw.random() < 0.5:
            inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2
            cover = np.clip((1.0 - inside) * float(draw.uniform(1, 20)), 0, 1)
        else:
            cover = ((abs(columns - x) < a) & (abs(rows - y) < b)).astype(np.float32)
        colour = np.array(
            [draw.uniform(190, 255), draw.uniform(20, 235), draw.uniform(0, 110)], np.float32
        )
        cover = (cover * draw.uniform(0.6, 1.0))[..., None]
        picture = picture * (1 - cover) + colour * cover
    if draw.random() < 0.25:
        veil = float(draw.uniform(0.1, 0.45))
        picture = picture * (1 - veil) + float(draw.uniform(120, 235)) * veil
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    return sample_of(weathered(Scene(shown, frozenset(), [], True), draw))


def clothed(scene: Scene, draw: Random, *, burning: bool) -> Sample:
    """Return a normal scene with crumpled bright cloths, vests and bags; with a fire if asked."""
    part = crop(scene, draw, float(draw.uniform(0.5, 1.0)))
    side = SIDE_PX * 2
    picture = resized(part.picture, side, side).astype(np.float32)
    for _ in range(int(draw.integers(1, 6))):
        wide, high = (int(v) for v in np.exp(draw.uniform(np.log(10), np.log(110), 2)))
        left, top = int(draw.integers(0, side - wide)), int(draw.integers(0, side - high))
        cover = _crumpled(wide, high, draw)[..., None]
        shade = 0.75 + 0.5 * _soft_noise(wide, high, draw)[..., None]
        colour = np.array(_CLOTHS[int(draw.integers(len(_CLOTHS)))]) * draw.uniform(0.8, 1.1)
        piece = picture[top : top + high, left : left + wide]
        piece[:] = piece * (1 - cover) + np.clip(colour * shade, 0, 255) * cover
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if burning:
        return rendered(Scene(shown, frozenset(), [], True), draw)
    return sample_of(weathered(Scene(shown, frozenset(), [], True), draw))


def _crumpled(wide: int, high: int, draw: Random) -> Field:
    """Return a ragged patch with sharp edges, 0..1."""
    rows = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, wide, dtype=np.float32)[None, :]
    field = 1.3 - np.sqrt(rows**2 + columns**2) - 1.1 * _soft_noise(wide, high, draw)
    cover: Field = np.clip(field * 12, 0, 1).astype(np.float32)
    return cover


def _soft_noise(wide: int, high: int, draw: Random) -> Field:
    coarse = draw.integers(0, 256, (5, 5), dtype=np.uint8)
    grown = Image.fromarray(coarse).resize((wide, high), Image.Resampling.BICUBIC)
    return np.asarray(grown, np.float32) / 255.0


def _flame_matte(flames: Field) -> Field:
    """Guess where flames are: bright, warm pixels, fading towards the cutting's border."""
    red, green, blue = flames[..., 0], flames[..., 1], flames[..., 2]
    warm = np.clip((red - 0.6 * blue - 60) / 60, 0, 1) * np.clip((red - green + 25) / 25, 0, 1)
    bright = np.clip((flames.min(axis=2) - 190) / 40, 0, 1)
    rows = np.linspace(-1, 1, flames.shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, flames.shape[1], dtype=np.float32)[None, :]
    edge = np.clip((1.05 - np.sqrt(rows**2 + columns**2)) * 3, 0, 1)
    matte: Field = (np.maximum(warm, bright) * edge).astype(np.float32)
    return matte


def _cut(picture: Picture, box: Box) -> Picture:
    cx, cy, width, height = box
    return window(picture, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
