"""Weather and light of a simulated day over a real picture: night, rain, fog, noise, JPEG.

At night a street is lit: lamps shine upon the scene (their light times what it reflects), and the
camera's automatic gain brings the picture up, as far as it goes, with the noise that this costs.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from haidang_gateway.vision.camera import jpeg
from haidang_gateway.vision.frame import Picture
from PIL import Image

Sky = Literal["clear", "cloudy", "rain", "fog"]

# How one hour's sky follows another's; a quarter of an hour changes it one time in six.
_NEXT: dict[Sky, tuple[float, float, float, float]] = {
    "clear": (0.75, 0.2, 0.03, 0.02),
    "cloudy": (0.3, 0.45, 0.2, 0.05),
    "rain": (0.1, 0.35, 0.5, 0.05),
    "fog": (0.25, 0.3, 0.05, 0.4),
}
_SKIES: tuple[Sky, ...] = ("clear", "cloudy", "rain", "fog")
_NIGHT, _LOW_SUN = 0.22, 18.0
_FIELD = np.random.default_rng(7).normal(0, 1, (1200, 2100, 3)).astype(np.float32)
# Of a night's light this share comes from everywhere, the rest from the street's own lamps.
_SKYGLOW = 0.4
# Cameras hold the mean near a third of their range, with at most 12 dB of gain.
_EXPOSED_LEVEL, _MOST_GAIN = 75.0, 4.0


@dataclass(frozen=True, slots=True)
class Weather:
    """One camera's quarter of an hour."""

    sky: Sky
    light: float
    warmth: float
    night: bool
    noise_levels: float
    quality: int
    lamps_seed: int = 0


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp in the picture, in its pixels; `levels` its brightness in the middle."""

    x: float
    y: float
    reach: float
    squeeze: float
    colour: tuple[float, float, float]
    levels: float


class _Kind(NamedTuple):
    """Between what lamps of a kind differ: places in shares of the height, sizes of the width."""

    most: int
    highest: float
    lowest: float
    small: float
    large: float
    flattest: float
    green: float
    blue: float


# They hang in the upper part of the picture, white or yellow as sodium.
_STREET_LAMPS = _Kind(4, 0.05, 0.4, 0.008, 0.03, 0.7, 0.7, 0.5)
# On the road, far or glaring near: white or warm white.
_HEADLIGHTS = _Kind(2, 0.3, 0.9, 0.01, 0.05, 0.5, 0.85, 0.7)


def at_hour(hour: float, before: Weather | None, draw: np.random.Generator) -> Weather:
    """What follows `before` at that hour of the day."""
    sky: Sky = "clear" if before is None else before.sky
    if draw.random() < 1 / 6:
        sky = _SKIES[int(draw.choice(len(_SKIES), p=_NEXT[sky]))]
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi) * 1.6, -1.0, 1.0)
    night = bool(sun < -0.05)
    light = _NIGHT if night else max(_NIGHT, float(sun) * (1.15 if sky == "clear" else 0.85))
    # Morning and evening sun is red, street lamps are yellow.
    low = np.exp(-(min(abs(hour - 6), abs(hour - _LOW_SUN)) ** 2))
    warmth = float(0.35 * low * (sky == "clear") + 0.2 * night)
    noise = float(draw.uniform(4, 9) if night else draw.uniform(1, 3))
    # The same lamps every night: they belong to the street.
    lamps = int(draw.integers(1 << 30)) if before is None else before.lamps_seed
    light *= float(draw.uniform(0.9, 1.1))
    return Weather(sky, light, warmth, night, noise, int(draw.integers(4, 14)), lamps)


def changed(
    rgb: Picture,
    weather: Weather,
    draw: np.random.Generator,
    *,
    burning: Callable[[Picture], Picture] | None = None,
) -> Picture:
    """The picture in that weather; `burning` draws a fire, which has its own light."""
    light = rgb.astype(np.float32) * np.float32(weather.light)
    light[..., 0] *= 1 + weather.warmth
    light[..., 2] *= 1 - weather.warmth * 0.6
    lamps = _lamps(rgb, _STREET_LAMPS, np.random.default_rng(weather.lamps_seed))
    if weather.night:
        light *= _lit(rgb, lamps)
    gain = np.float32(np.clip(_EXPOSED_LEVEL / max(float(light.mean()), 1.0), 1.0, _MOST_GAIN))
    light *= gain
    if weather.night:
        # Street lamps stand still, headlights are elsewhere in each picture.
        _glow(light, lamps)
        _glow(light, _lamps(rgb, _HEADLIGHTS, draw))
    if weather.sky == "rain":
        _rain(light, draw)
    elif weather.sky == "fog":
        grey = 190 * min(1.0, weather.light * float(gain))
        light += (grey - light) * np.float32(draw.uniform(0.4, 0.6))
    shown: Picture = np.clip(light, 0, 255).astype(np.uint8)
    if burning is not None:
        shown = burning(shown)
    # A night's noise is drawn as it is behind the gain.
    noise = weather.noise_levels * (1.0 if weather.night else float(gain))
    return _as_jpeg(_grainy(shown, noise, draw), weather.quality)


def _grainy(rgb: Picture, levels: float, draw: np.random.Generator) -> Picture:
    """A sensor's noise: one large field of it, shifted for each picture."""
    high, wide, _ = rgb.shape
    if high > _FIELD.shape[0] // 2 or wide > _FIELD.shape[1] // 2:
        raise ValueError(f"a picture of {wide} x {high} is too large for the noise")
    row, column = (
        draw.integers(0, _FIELD.shape[0] - high),
        draw.integers(0, _FIELD.shape[1] - wide),
    )
    grain = _FIELD[row : row + high, column : column + wide] * np.float32(levels)
    noisy: Picture = np.clip(rgb + grain, 0, 255).astype(np.uint8)
    return noisy


def _lamps(rgb: Picture, kind: _Kind, draw: np.random.Generator) -> list[Lamp]:
    high, wide, _ = rgb.shape
    return [
        Lamp(
            x=draw.uniform(0, wide),
            y=draw.uniform(high * kind.highest, high * kind.lowest),
            reach=draw.uniform(kind.small, kind.large) * wide,
            squeeze=draw.uniform(kind.flattest, 1),
            colour=_white(draw.uniform(kind.green, 1.0), draw.uniform(kind.blue, 1.0)),
            levels=draw.uniform(120, 320),
        )
        for _ in range(int(draw.integers(0, kind.most + 1)))
    ]


def _white(green: float, blue: float) -> tuple[float, float, float]:
    """A lamp's red, green and blue, each a share of the one before: none is pink."""
    return 1.0, green, green * blue


def _glow(light: np.ndarray, lamps: list[Lamp]) -> None:
    """The lamps themselves, with their glow."""
    for lamp in lamps:
        bell = _bell(light, lamp.x, lamp.y, lamp.reach, lamp.reach / lamp.squeeze)
        light += (np.float32(lamp.levels) * bell)[..., None] * np.array(lamp.colour, np.float32)


def _lit(rgb: Picture, lamps: list[Lamp]) -> np.ndarray:
    """How much of a night's light falls on each pixel: pools of light below the lamps."""
    high, wide, _ = rgb.shape
    lit = np.full((high, wide), _SKYGLOW, np.float32)
    for lamp in lamps:
        reach = 6 * lamp.reach + 0.1 * wide
        lit += np.float32(2 - 2 * _SKYGLOW) * _bell(
            rgb, lamp.x, lamp.y + 0.35 * high, reach, reach / 1.5
        )
    return lit[..., None]


def _bell(over: np.ndarray, x: float, y: float, wide: float, high: float) -> np.ndarray:
    """Light that falls off from a point, 1 there."""
    rows = np.exp(-((np.arange(over.shape[0], dtype=np.float32) - y) ** 2) / (2 * high**2))
    columns = np.exp(-((np.arange(over.shape[1], dtype=np.float32) - x) ** 2) / (2 * wide**2))
    return np.outer(rows, columns).astype(np.float32)


def _rain(light: np.ndarray, draw: np.random.Generator) -> None:
    high, wide, _ = light.shape
    light *= 0.75
    length = max(3, high // 20)
    bright = 0.25 * float(light.mean())
    for _ in range(wide // 5):
        row, column = int(draw.integers(0, high - length)), int(draw.integers(0, wide))
        light[row : row + length, column] += bright


def _as_jpeg(rgb: Picture, quality: int) -> Picture:
    """A camera's encoder leaves its marks: once there and back."""
    content = io.BytesIO(jpeg(rgb, width=rgb.shape[1], quality=quality))
    return np.asarray(Image.open(content).convert("RGB"))
