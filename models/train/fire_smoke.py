"""Draws thin smoke on normal scenes: plumes, layers, banks and puffs that one can see through."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from models.train.fire_fakes import soft_noise
from models.train.fire_pictures import (
    CELLS,
    KINDS,
    SIDE_PX,
    Field,
    Picture,
    Random,
    Sample,
    Scene,
    crop,
    places,
    resized,
    sample_of,
    weathered,
    window,
)

_THIN, _THICK = 0.3, 0.8  # opacity where it is densest; half of that elsewhere
_SEEN_LEVELS = 20.0  # of 255: what changes a picture less, nobody sees
_TRIES = 4
_CELL_ON, _CELL_TOUCHED = 0.15, 0.05  # mean opacity in a cell of smoke, and in an unclear one
_SMOKE = KINDS.index("smoke")
_BACKLIT = 0.4  # share of the rooms that get a bright door or window behind the smoke


def drifting(scene: Scene, draw: Random, *, indoors: bool) -> Sample:
    """Return a normal scene with drawn smoke in it, thin enough to see what is behind it."""
    picture = _ground(scene, draw)
    if indoors and draw.random() < _BACKLIT:
        picture = _opened(picture, draw)
    light = _light(picture)

    def smoke() -> Field:
        bright = float(draw.uniform(150, 250) if draw.random() < 0.7 else draw.uniform(20, 110))
        tone = (bright + draw.normal(0, 5, 3)).astype(np.float32)
        shade = 0.85 + 0.3 * soft_noise(SIDE_PX, SIDE_PX, draw)[..., None]
        shaded: Field = tone * shade * light
        return shaded

    return _smoky(picture, smoke, (_THIN, _THICK), draw)


def lifted(scene: Scene, smoking: Scene, draw: Random) -> Sample:
    """Return a normal scene with real smoke over it, cut from another picture and thinned."""
    boxes = [box for kind, box in smoking.boxes or () if kind == "smoke"]
    cx, cy, wide, high = boxes[int(draw.integers(len(boxes)))]
    cut = window(smoking.picture, cx - wide / 2, cy - high / 2, cx + wide / 2, cy + high / 2)
    # What stood behind the smoke must not come along.
    soft = Image.fromarray(resized(cut, SIDE_PX, SIDE_PX)).filter(ImageFilter.GaussianBlur(7))
    smoke = np.asarray(soft, np.float32)
    return _smoky(_ground(scene, draw), lambda: smoke, (_THIN + 0.1, _THICK), draw)


def backlit(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene with a bright door or window and its glare, but no smoke."""
    picture = _opened(_ground(scene, draw), draw)
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    return sample_of(weathered(Scene(shown, frozenset(), [], True), draw))


def _ground(scene: Scene, draw: Random) -> Field:
    part = crop(scene, draw, float(draw.uniform(0.55, 1.0)))
    return resized(part.picture, SIDE_PX, SIDE_PX).astype(np.float32)


def _opened(picture: Field, draw: Random) -> Field:
    """Let bright light in by a door or window, with bars or none, and darken the room for it."""
    rows, columns = places()
    wide, high = (float(v) for v in draw.uniform((0.12, 0.2), (0.4, 0.75)))
    left, top = float(draw.uniform(0, 1 - wide)), float(draw.uniform(0.03, 0.95 - high))
    x, y = (columns - left) / wide, (rows - top) / high
    inside = ((x > 0) & (x < 1) & (y > 0) & (y < 1)).astype(np.float32)
    if draw.random() < 0.6:
        across, down = (int(v) for v in draw.integers(1, 6, 2))
        bars = ((x * across) % 1 > 0.12) & ((y * down) % 1 > 0.1)
        inside *= np.maximum(bars, float(draw.uniform(0, 0.5)))
    colour = (draw.uniform(200, 255) + draw.normal(0, 8, 3)).astype(np.float32)
    pane = _blurred(inside, float(draw.uniform(0.5, 3)))
    glare = _blurred(inside, float(draw.uniform(8, 40))) * float(draw.uniform(0.1, 0.5))
    open_to = float(draw.uniform(0.7, 1.0))
    dark = picture * float(draw.uniform(0.35, 0.95))
    lit = dark * (1 - pane[..., None] * open_to) + colour * pane[..., None] * open_to
    mixed: Field = lit + glare[..., None] * colour
    return np.minimum(mixed, 255)


def _light(picture: Field) -> Field:
    """Return how bright smoke is at each place: it takes the light of what is around it."""
    coarse = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).resize((9, 9))
    around = coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    grey = np.asarray(around, np.float32).mean(axis=2, keepdims=True) / 255
    lit: Field = np.clip(0.35 + 0.95 * grey, 0.3, 1.15)
    return lit


def _veiled(picture: Field, veil: Field, smoke: Field) -> Field:
    """Put smoke over a picture, which blurs a little behind it."""
    behind = np.asarray(
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(1.5)
        ),
        np.float32,
    )
    cover = veil[..., None]
    softened = picture + (behind - picture) * np.minimum(1, cover * 1.6)
    mixed: Field = softened * (1 - cover) + smoke * cover
    return mixed


def _smoky(
    picture: Field, smoke: Callable[[], Field], dense: tuple[float, float], draw: Random
) -> Sample:
    """Lay smoke over a picture until it can be seen; if it never can, the truth is left open."""
    for more in range(_TRIES):
        veil = np.clip(_drawn_veil(draw) * float(draw.uniform(*dense)) * (1 + 0.15 * more), 0, 0.9)
        same = int(draw.integers(1 << 30))
        before, after = (
            weathered(_scene(shown), np.random.default_rng(same)).picture
            for shown in (picture, _veiled(picture, veil, smoke()))
        )
        change = _by_cell(np.abs(after.astype(np.float32) - before).mean(axis=2))
        if float(change[_on(veil)].mean()) >= _SEEN_LEVELS:
            return _labelled(after, veil)
    sample = _labelled(after, veil)
    sample.label_weight[_SMOKE] = 0
    sample.cells_weight[..., _SMOKE] = 0
    return sample


def _scene(shown: Field) -> Scene:
    return Scene(np.clip(shown, 0, 255).astype(np.uint8), frozenset({"smoke"}), [], True)


def _labelled(shown: Picture, veil: Field) -> Sample:
    """Return the sample; what its cells say comes from the smoke itself, not from a box."""
    sample = sample_of(Scene(shown, frozenset({"smoke"}), [], True))
    on = _on(veil)
    sample.cells[..., _SMOKE] = on
    sample.cells_weight[..., _SMOKE] = on | (_by_cell(veil) < _CELL_TOUCHED)
    return sample


def _on(veil: Field) -> Any:
    """Return which cells are cells of smoke: one at least."""
    mean = _by_cell(veil)
    return mean >= min(_CELL_ON, float(mean.max()))


def _by_cell(field: Field) -> Field:
    side = SIDE_PX // CELLS
    mean: Field = field.reshape(CELLS, side, CELLS, side).mean(axis=(1, 3))
    return mean


def _drawn_veil(draw: Random) -> Field:
    """Return where smoke is, 0..1 at its densest: an outline filled with wisps."""
    outline = _OUTLINES[int(draw.integers(len(_OUTLINES)))](draw)
    holes = float(draw.uniform(0.35, 0.95))
    veil = outline * (1 - holes + holes * _wisps(draw))
    dense = np.quantile(veil[veil > 0.1 * veil.max()], 0.9)
    return np.clip(veil / dense, 0, 1).astype(np.float32)


def _plume(draw: Random) -> Field:
    """Rise from one place, wider and thinner with the height."""
    rows, columns = places()
    x, y = float(draw.uniform(0.1, 0.9)), float(draw.uniform(0.45, 1.05))
    up = np.maximum(0, y - rows)
    middle = x + float(draw.normal(0, 0.35)) * up + 0.12 * up * _waves(draw)
    reach = float(draw.uniform(0.02, 0.06)) + float(draw.uniform(0.12, 0.5)) * up
    across = np.exp(-(((columns - middle) / reach) ** 2))
    top = float(draw.uniform(0.35, 1.2))
    fading = np.clip(up / 0.05, 0, 1) * np.clip((top - up) / (0.4 * top), 0, 1)
    risen: Field = across * fading * (0.05 / reach) ** float(draw.uniform(0.1, 0.5))
    return risen


def _layer(draw: Random) -> Field:
    """Hang under a ceiling, with a wavy lower edge."""
    rows, _ = places()
    depth = float(draw.uniform(0.2, 0.75)) + 0.25 * (soft_noise(SIDE_PX, SIDE_PX, draw) - 0.5)
    hanging: Field = np.clip((depth - rows) / float(draw.uniform(0.1, 0.4)), 0, 1)
    return hanging


def _bank(draw: Random) -> Field:
    """Come in from one side or corner and thin out over the picture."""
    rows, columns = places()
    angle = float(draw.uniform(0, 2 * np.pi))
    along = (columns - 0.5) * np.cos(angle) + (rows - 0.5) * np.sin(angle)
    uneven = 0.5 * (soft_noise(SIDE_PX, SIDE_PX, draw) - 0.5)
    near = float(draw.uniform(-0.25, 0.35)) + uneven
    bank: Field = np.clip((along + near) / float(draw.uniform(0.3, 0.8)), 0, 1)
    return bank


def _puffs(draw: Random) -> Field:
    """Drift as some soft clouds."""
    rows, columns = places()
    total = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for _ in range(int(draw.integers(1, 5))):
        x, y = draw.uniform(0.1, 0.9, 2)
        a, b = np.exp(draw.uniform(np.log(0.08), np.log(0.35), 2))
        far = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2
        total = np.maximum(total, np.exp(-far) * float(draw.uniform(0.5, 1)))
    return total


_OUTLINES: tuple[Callable[[Random], Field], ...] = (_plume, _plume, _layer, _bank, _puffs)


def _wisps(draw: Random) -> Field:
    """Return layered noise, drawn out and curled, 0..1."""
    total = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for cells, weight in ((4, 0.4), (9, 0.28), (19, 0.2), (40, 0.12)):
        coarse = draw.integers(0, 256, (max(2, cells * 2 // 3), cells), dtype=np.uint8)
        grown = Image.fromarray(coarse).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
        total += np.float32(weight / 255) * np.asarray(grown, np.float32)
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    curl = float(draw.uniform(20, 110))
    down = rows + ((soft_noise(SIDE_PX, SIDE_PX, draw) - 0.5) * curl).astype(np.int64)
    over = columns + ((soft_noise(SIDE_PX, SIDE_PX, draw) - 0.5) * curl).astype(np.int64)
    curled = total[np.abs(down) % SIDE_PX, np.abs(over) % SIDE_PX]
    low, high = np.quantile(curled, (0.05, 0.95))
    return np.clip((curled - low) / (high - low + 1e-3), 0, 1)


def _waves(draw: Random) -> Field:
    rows, _ = places()
    waves: Field = np.sin(rows * float(draw.uniform(8, 30)) + float(draw.uniform(0, 6.3)))
    return waves


def _blurred(field: Field, radius_px: float) -> Field:
    levels = Image.fromarray((field * 255).astype(np.uint8))
    blurred = levels.filter(ImageFilter.GaussianBlur(radius_px))
    return np.asarray(blurred, np.float32) / 255
