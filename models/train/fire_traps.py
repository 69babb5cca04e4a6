"""Draws what a fire model takes for fire and is none: lamps, skies, fog, coloured light."""

import numpy as np
from PIL import Image

from models.train.fire_pictures import (
    SIDE_PX,
    Field,
    Random,
    Sample,
    Scene,
    crop,
    places,
    resized,
    sample_of,
    weathered,
)

Pixels = Field
# top, middle, horizon: clear, overcast, three sunsets, a storm, dusk
_SKIES = (
    ((60, 110, 200), (120, 165, 225), (200, 215, 230)),
    ((150, 155, 165), (185, 188, 192), (215, 215, 212)),
    ((50, 60, 110), (200, 110, 70), (255, 190, 80)),
    ((90, 40, 60), (235, 90, 30), (255, 160, 30)),
    ((120, 130, 180), (250, 170, 120), (255, 225, 150)),
    ((35, 40, 50), (70, 75, 85), (130, 135, 140)),
    ((15, 20, 50), (60, 45, 90), (200, 100, 60)),
)


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


def lamplit(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene by night, with lamps, their halos and their light on the ground."""
    part = crop(scene, draw, float(draw.uniform(0.5, 1.0)))
    picture = resized(part.picture, SIDE_PX, SIDE_PX).astype(np.float32)
    picture *= np.float32(draw.uniform(0.08, 0.45))
    rows, columns = places()
    for _ in range(int(draw.integers(1, 9))):
        x, y = draw.uniform(0.0, 1.0, 2)
        core = float(np.exp(draw.uniform(np.log(0.004), np.log(0.05))))
        colour = np.array([255, draw.uniform(130, 255), draw.uniform(40, 255)], np.float32)
        far = np.sqrt((columns - x) ** 2 + (rows - y) ** 2)
        halo = np.exp(-far / (core * draw.uniform(1.5, 5.0))) * draw.uniform(0.2, 0.9)
        picture += (halo + np.clip((core - far) / core * 6, 0, 1))[..., None] * colour
        if draw.random() < 0.5:
            pool = ((columns - x) / (core * 8)) ** 2 + ((rows - y - core * 8) / (core * 4)) ** 2
            picture += np.exp(-pool)[..., None] * colour * np.float32(draw.uniform(0.1, 0.6))
    return _normal(picture, draw)


def foggy(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene in fog, thicker with the distance, or behind a wet or dirty pane."""
    part = crop(scene, draw, float(draw.uniform(0.5, 1.0)))
    picture = resized(part.picture, SIDE_PX, SIDE_PX).astype(np.float32)
    rows, _ = places()
    near, far = np.sort(draw.uniform(0.1, 0.95, 2))
    horizon = float(draw.uniform(0.0, 0.6))
    thick = near + (far - near) * np.clip((1 - rows) / (1 - horizon), 0, 1)
    grey = float(draw.uniform(110, 240)) + draw.normal(0, 6, 3).astype(np.float32)
    return _normal(picture * (1 - thick[..., None]) + grey * thick[..., None], draw)


def coloured(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene in warm light, as red rooms, neon and sodium lamps give it."""
    part = crop(scene, draw, float(draw.uniform(0.4, 1.0)))
    picture = resized(part.picture, SIDE_PX, SIDE_PX).astype(np.float32)
    light = np.array([1.0, draw.uniform(0.25, 0.85), draw.uniform(0.05, 0.6)], np.float32)
    if draw.random() < 0.15:
        light = light[::-1]
    grey = picture.mean(axis=2, keepdims=True)
    share = float(draw.uniform(0.3, 1.0))
    lit = (grey * share + picture * (1 - share)) * light * np.float32(draw.uniform(0.9, 1.8))
    return _normal(lit, draw)


def sky(scene: Scene, draw: Random) -> Sample:
    """Return a drawn sky, often with a sun, over a normal scene, the sea or a dark skyline."""
    rows, columns = places()
    horizon = float(draw.uniform(0.35, 1.1))
    picture = _gradient(rows / horizon, _SKIES[int(draw.integers(len(_SKIES)))], draw)
    if draw.random() < 0.75:
        cover = np.clip((_clouds(draw) - draw.uniform(0.35, 0.65)) * draw.uniform(2, 6), 0, 1)
        light = np.array([255, draw.uniform(150, 250), draw.uniform(100, 250)], np.float32)
        tone = light * np.float32(draw.uniform(0.25, 1.0))
        cover = (cover * draw.uniform(0.4, 1.0))[..., None]
        picture = picture * (1 - cover) + tone * cover
    if draw.random() < 0.6:
        _shine(
            picture, (float(draw.uniform(0.1, 0.9)), horizon * float(draw.uniform(0.2, 1.0))), draw
        )
    _below(picture, scene, horizon + 0 * columns, draw)
    return _normal(picture, draw)


def _shine(picture: Pixels, at: tuple[float, float], draw: Random) -> None:
    rows, columns = places()
    far = np.sqrt((columns - at[0]) ** 2 + (rows - at[1]) ** 2)
    radius = float(np.exp(draw.uniform(np.log(0.01), np.log(0.1))))
    colour = np.array([255, draw.uniform(150, 250), draw.uniform(40, 210)], np.float32)
    glow = np.exp(-far / (radius * draw.uniform(1.5, 6.0)))[..., None]
    picture += glow * colour * np.float32(draw.uniform(0.4, 1.0))
    disc = np.clip((radius - far) / radius * 8, 0, 1)[..., None]
    picture[:] = picture * (1 - disc) + np.minimum(colour * 1.15, 255) * disc


def _below(picture: Pixels, scene: Scene, horizon: Field, draw: Random) -> None:
    """Draw what lies under the horizon: a scene, the sea with the sky in it, or a skyline."""
    rows, _ = places()
    kind = draw.random()
    if kind < 0.4:
        under = resized(scene.picture, SIDE_PX, SIDE_PX).astype(np.float32)
        under *= np.float32(draw.uniform(0.3, 1.0))
    elif kind < 0.7:
        waves = np.repeat(draw.random((SIDE_PX, SIDE_PX // 16), np.float32), 16, axis=1)
        under = picture[::-1] * (0.35 + 0.6 * waves[..., None])
    else:
        under = picture * 0 + draw.uniform(5, 60, 3).astype(np.float32)
        outline = np.repeat(draw.normal(0, 0.03, SIDE_PX // 8), 8)
        horizon = horizon - (np.cumsum(outline) * 0.3 + outline)[None, :]
    edge = np.clip((rows - horizon) * 80, 0, 1)[..., None].astype(np.float32)
    picture[:] = picture * (1 - edge) + under * edge


def _gradient(at: Field, colours: tuple[tuple[int, ...], ...], draw: Random) -> Pixels:
    mixed = np.array(colours, np.float32) * np.exp(draw.normal(0, 0.08, (3, 3)))
    steps = np.clip(at[:, 0], 0, 1)
    channels = [np.interp(steps, [0, 0.5, 1], mixed[:, c]) for c in range(3)]
    row = np.stack(channels, axis=1).astype(np.float32)
    return np.repeat(row[:, None], SIDE_PX, axis=1)


def _clouds(draw: Random) -> Field:
    """Return layered soft noise, wider than high, 0..1."""
    total = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for cells, weight in ((3, 0.5), (7, 0.27), (15, 0.15), (33, 0.08)):
        coarse = draw.integers(0, 256, (cells * 2, cells), dtype=np.uint8)
        grown = Image.fromarray(coarse).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
        total += np.float32(weight / 255) * np.asarray(grown, np.float32)
    return total


def _normal(picture: Pixels, draw: Random) -> Sample:
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    return sample_of(weathered(Scene(shown, frozenset(), [], True), draw))
