"""Draws animated flames and smoke on a picture, for the demo's camera and for training."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

_LATTICE = 64  # cells of the periodic noise, a power of two so that wrapping is one AND
_GRID_MAX = 120  # points of the drawing grid along its longer side; soft flames hide the step
_SMOKE_HEIGHTS = 2.4  # smoke ends at this many flame heights above the foot
_REACH = 1.3  # nothing is drawn further sideways than this many flame heights
_BELOW = 0.3  # glow below the foot, in flame heights
_GLOW_RGB = np.array([120.0, 55.0, 14.0], np.float32)
_SMALLEST_PX = 3.0  # a flame lower than this is not drawn


@dataclass(frozen=True, slots=True)
class FireShape:
    """What one fire looks like at one moment: foot in pixels, flame height, character by seed."""

    foot_x_px: float
    foot_y_px: float
    height_px: float
    half_width: float
    drift: float
    smoke_grey: float
    seed: int


def render_fire(
    frame_rgb: Picture,
    *,
    t_s: float,
    growth: float,
    x: float,
    y: float,
    height_frac: float,
    seed: int,
) -> Picture:
    """Return a copy of the picture with a burning fire at moment `t_s`.

    `frame_rgb` is height x width x 3; `growth` runs from 0 (nothing) to 1 (full size); `x`, `y`
    are the foot of the fire as fractions of width and height; `height_frac` is the flames' full
    height, without smoke, as a fraction of the picture's. Equal arguments give equal pictures.
    """
    height, width = frame_rgb.shape[:2]
    result = frame_rgb.copy()
    shape = _shape(width, height, growth=growth, x=x, y=y, height_frac=height_frac, seed=seed)
    if shape is None:
        return result
    x0, y0, x1, y1 = _region(shape, width, height)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return result
    paint = _paint(shape, (x0, y0, x1, y1), t_s)
    part = result[y0:y1, x0:x1] * paint[..., 3:]
    part += paint[..., :3]
    np.clip(part, 0, 255, out=part)
    result[y0:y1, x0:x1] = part
    return result


def fire_region(
    width: int, height: int, *, growth: float, x: float, y: float, height_frac: float, seed: int
) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of the pixels `render_fire` may change; None for no fire."""
    shape = _shape(width, height, growth=growth, x=x, y=y, height_frac=height_frac, seed=seed)
    return None if shape is None else _region(shape, width, height)


def flame_boxes(
    width: int, height: int, *, growth: float, x: float, y: float, height_frac: float, seed: int
) -> dict[str, tuple[float, float, float, float]]:
    """Return boxes `fire` and `smoke` as normalised centre x, centre y, width, height."""
    shape = _shape(width, height, growth=growth, x=x, y=y, height_frac=height_frac, seed=seed)
    if shape is None:
        return {}
    tall, wide = shape.height_px, 2.0 * shape.half_width * shape.height_px
    left, right = shape.foot_x_px - wide / 2, shape.foot_x_px + wide / 2
    foot, tip = shape.foot_y_px, shape.foot_y_px - tall
    leans = (left + min(0.0, shape.drift * tall), right + max(0.0, shape.drift * tall))
    return {
        "fire": _normalised((left, tip, right, foot), width, height),
        "smoke": _normalised(
            (leans[0], foot - 2.0 * tall, leans[1], tip + 0.4 * tall), width, height
        ),
    }


def _shape(
    width: int, height: int, *, growth: float, x: float, y: float, height_frac: float, seed: int
) -> FireShape | None:
    """Turn fractions into pixels and draw the fire's character from its seed."""
    tall = max(0.0, min(1.0, growth)) ** 0.8 * height_frac * height
    if tall < _SMALLEST_PX:
        return None
    draw = np.random.default_rng(seed)
    return FireShape(
        foot_x_px=x * width,
        foot_y_px=y * height,
        height_px=tall,
        half_width=float(draw.uniform(0.26, 0.42)),
        drift=float(draw.uniform(-0.3, 0.3)),
        smoke_grey=float(draw.uniform(35.0, 110.0)),
        seed=seed,
    )


def _region(shape: FireShape, width: int, height: int) -> tuple[int, int, int, int]:
    """Clip the drawing area of a fire to the picture."""
    tall = shape.height_px
    left, right = shape.foot_x_px - _REACH * tall, shape.foot_x_px + _REACH * tall
    top, bottom = shape.foot_y_px - _SMOKE_HEIGHTS * tall, shape.foot_y_px + _BELOW * tall
    return (
        max(0, int(left)),
        max(0, int(top)),
        min(width, int(right) + 1),
        min(height, int(bottom) + 1),
    )


def _paint(shape: FireShape, region: tuple[int, int, int, int], t_s: float) -> Field:
    """Return for each pixel of the region the light to add (3) and the share to keep (1)."""
    x0, y0, x1, y1 = region
    wide, high = x1 - x0, y1 - y0
    step = max(1.0, max(wide, high) / _GRID_MAX)
    columns, rows = max(2, round(wide / step)), max(2, round(high / step))
    across = (x0 + (np.arange(columns) + 0.5) * wide / columns - shape.foot_x_px) / shape.height_px
    upward = (shape.foot_y_px - y0 - (np.arange(rows) + 0.5) * high / rows) / shape.height_px
    u, v = np.meshgrid(across.astype(np.float32), upward.astype(np.float32))
    flame = _flame(shape, u, v, t_s)
    smoke = _smoke(shape, u, v, t_s)
    flame_cover = _smooth(flame, 0.04, 0.30)
    cover = 1.0 - (1.0 - flame_cover) * (1.0 - smoke)
    shade = 0.75 + 0.6 * _noise(shape.seed + 3, u * 5.0, v * 4.0 - t_s * 1.4)
    grey = (shape.smoke_grey * shade)[..., None]
    mix = (flame_cover / np.maximum(cover, 1e-3))[..., None]
    colour = _flame_colour(flame) * mix + grey * (1.0 - mix)
    light = _glow(shape, u, v, t_s) * (1.0 - cover)
    paint = np.empty((rows, columns, 4), np.float32)
    paint[..., :3] = colour * cover[..., None] + light[..., None] * _GLOW_RGB
    paint[..., 3] = 1.0 - cover
    return _enlarge(paint, high, wide)


def _flame(shape: FireShape, u: Field, v: Field, t_s: float) -> Field:
    """Return flame strength 0..1: tongues that rise, sway and flicker at 3-9 Hz."""
    phase = float(shape.seed % 97)
    beat = 0.06 * np.sin(2 * np.pi * 3.1 * t_s + phase) + 0.05 * np.sin(2 * np.pi * 8.3 * t_s)
    v = v / np.float32(1.0 + beat)
    sway = _noise(shape.seed, u * 2.0 + phase, v * 2.2 - t_s * 2.4) - 0.5
    u = u - sway * 0.5 * np.clip(v, 0, 1.2) - shape.drift * 0.35 * np.clip(v, 0, 1.2) ** 2
    rise = np.clip(v, 0.0, 1.0)
    half = shape.half_width * (1.0 - rise) ** 0.75 * (0.72 + 0.55 * np.sqrt(rise)) + 1e-3
    body = 1.0 - np.abs(u) / half
    turbulence = _clouds(shape.seed + 1, u * 6.5, v * 3.8 - t_s * 3.4)
    strength = body * 0.95 + (turbulence - 0.5) * (1.5 + 1.9 * rise) - 0.22 * rise
    ragged_foot = 0.10 * turbulence - 0.08 + 0.10 * (u / shape.half_width) ** 2
    strength = strength * _smooth(v - ragged_foot, -0.03, 0.05)
    inside = (v < 1.05) & (body > -0.6)
    shown: Field = np.where(inside, np.clip(strength, 0.0, 1.0), 0.0).astype(np.float32)
    return shown


def _smoke(shape: FireShape, u: Field, v: Field, t_s: float) -> Field:
    """Return smoke cover 0..1: billows that widen, drift and thin out on the way up."""
    height = np.clip(v, 0.0, _SMOKE_HEIGHTS)
    u = u - shape.drift * height**1.3
    half = 0.14 + 0.24 * height
    body = np.clip(1.0 - (u / half) ** 2, 0.0, 1.0)
    billow = np.clip(_clouds(shape.seed + 2, u * 3.6, v * 3.0 - t_s * 1.1) * 2.0 - 0.45, 0.0, 1.2)
    fade = _smooth(height, 0.35, 0.8) * (1.0 - _smooth(height, 1.5, _SMOKE_HEIGHTS))
    cover = _smooth(body * (0.3 + 1.1 * billow), 0.15, 0.95) * fade * 0.88
    shown: Field = np.where(np.abs(u) < _REACH * 0.95, cover, 0.0).astype(np.float32)
    return shown


def _glow(shape: FireShape, u: Field, v: Field, t_s: float) -> Field:
    """Return light thrown on the surroundings, nothing at the region's border."""
    flicker = 0.85 + 0.15 * np.sin(2 * np.pi * 5.3 * t_s + shape.seed % 13)
    far = np.sqrt((u / _REACH) ** 2 + ((v - 0.3) / 1.1) ** 2)
    fall = np.clip(1.0 - far, 0.0, 1.0) ** 2 * _smooth(v, -_BELOW, -_BELOW + 0.15)
    shown: Field = (fall * flicker).astype(np.float32)
    return shown


def _flame_colour(strength: Field) -> Field:
    """Map strength to dark red, orange, yellow and nearly white, 0..255."""
    at = [0.0, 0.15, 0.35, 0.6, 1.0]
    red = np.interp(strength, at, [150, 215, 250, 255, 255])
    green = np.interp(strength, at, [35, 75, 145, 215, 250])
    blue = np.interp(strength, at, [12, 18, 40, 95, 205])
    return np.stack([red, green, blue], axis=-1).astype(np.float32)


def _clouds(seed: int, x: Field, y: Field) -> Field:
    """Sum three octaves of noise, about 0..1."""
    total = 0.55 * _noise(seed, x, y)
    total = total + 0.30 * _noise(seed + 11, x * 2.1, y * 2.1)
    return (total + 0.15 * _noise(seed + 23, x * 4.3, y * 4.3)).astype(np.float32)


def _noise(seed: int, x: Field, y: Field) -> Field:
    """Sample smooth periodic noise 0..1 at real coordinates."""
    lattice = _lattice(seed)
    column, row = np.floor(x), np.floor(y)
    fx, fy = _eased(x - column), _eased(y - row)
    wrap = _LATTICE - 1
    left, top = column.astype(np.int32) & wrap, (row.astype(np.int32) & wrap) * _LATTICE
    right, below = (left + 1) & wrap, (top + _LATTICE) & (_LATTICE * _LATTICE - 1)
    upper_left, lower_left = lattice.take(top + left), lattice.take(below + left)
    upper = upper_left + (lattice.take(top + right) - upper_left) * fx
    lower = lower_left + (lattice.take(below + right) - lower_left) * fx
    mixed: Field = upper + (lower - upper) * fy
    return mixed


def _eased(part: Field) -> Field:
    eased: Field = part * part * (3 - 2 * part)
    return eased


@lru_cache(maxsize=64)
def _lattice(seed: int) -> Field:
    return np.random.default_rng(seed).random((_LATTICE, _LATTICE), dtype=np.float32)


def _smooth(value: Field, low: float, high: float) -> Field:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    part = np.clip((value - low) / (high - low), 0.0, 1.0)
    risen: Field = (part * part * (3.0 - 2.0 * part)).astype(np.float32)
    return risen


def _enlarge(field: Field, high: int, wide: int) -> Field:
    """Enlarge a field (rows, columns, channels) to pixels, linearly between grid points."""
    above, below, fy = _between(field.shape[0], high)
    before, after, fx = _between(field.shape[1], wide)
    upper = field[above]
    tall = upper + (field[below] - upper) * fy.reshape(-1, 1, 1)
    first = tall[:, before]
    full: Field = tall[:, after]
    full -= first
    full *= fx.reshape(1, -1, 1)
    full += first
    return full


def _between(grid: int, pixels: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Field]:
    at = np.clip((np.arange(pixels) + 0.5) * grid / pixels - 0.5, 0, grid - 1)
    low = np.floor(at).astype(np.int64)
    return low, np.minimum(low + 1, grid - 1), (at - low).astype(np.float32)


def _normalised(
    edges_px: tuple[float, float, float, float], width: int, height: int
) -> tuple[float, float, float, float]:
    """Turn left, top, right, bottom into a normalised centre box, cut at the picture's border."""
    left, right = (min(1.0, max(0.0, v / width)) for v in edges_px[0::2])
    top, bottom = (min(1.0, max(0.0, v / height)) for v in edges_px[1::2])
    return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
