"""Draws scenes by night: glare that burns out the picture, wet streets, lit windows, and fires."""

import numpy as np

from models.train import fire_fakes as fakes
from models.train.fire_fakes import soft_noise
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

_PLAIN_WHITE = 0.6  # share of the lights that are white, as headlamps and floodlights are
_COLOURS = ((255, 190, 110), (255, 225, 180), (255, 60, 40), (90, 255, 170), (120, 170, 255))
_RENDERED = 0.25  # share of the night fires that are drawn; the others are cut from pictures
_WARM = 0.35  # share of a cutting that has the colours of flames


def glaring(scene: Scene, draw: Random) -> Sample:
    """Return a normal scene by night with glaring lights, most of them white."""
    return sample_of(weathered(_night(scene, draw, most=6), draw))


def burning(scene: Scene, fire: Scene, draw: Random) -> Sample:
    """Return a scene by night with some lights and a real fire: the counterweight."""
    dark = _night(scene, draw, most=3)
    # A white spot cut from a flame is what a headlamp looks like too.
    warm = [b for b in fire.boxes or () if b[0] == "fire" and fakes.warm_share(fire, b[1]) > _WARM]
    if not warm or draw.random() < _RENDERED:
        return fakes.rendered(dark, draw)
    return fakes.pasted(dark, Scene(fire.picture, fire.labels, warm, fire.smoke_known), draw)


def _night(scene: Scene, draw: Random, *, most: int) -> Scene:
    part = crop(scene, draw, float(draw.uniform(0.5, 1.0)))
    picture = resized(part.picture, SIDE_PX, SIDE_PX).astype(np.float32)
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * float(draw.uniform(0.2, 1.0))
    cast = np.exp(draw.normal(0, 0.12, 3)).astype(np.float32)
    picture *= cast * float(np.exp(draw.uniform(np.log(0.06), np.log(0.55))))
    if draw.random() < 0.4:
        _windows(picture, draw)
    wet = float(draw.uniform(0.2, 0.9)) if draw.random() < 0.6 else 0.0
    ripple = _ripple(draw)
    for _ in range(int(draw.integers(1, most + 1))):
        _light(picture, draw, ripple * wet)
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    return Scene(shown, frozenset(), [], True)


def _light(picture: Field, draw: Random, mirror: Field) -> None:
    """Add one light, or a pair as of a car, each with bloom, rays and its image on a wet road."""
    x, y = float(draw.uniform(-0.03, 1.03)), float(draw.beta(2, 2.5))
    core = float(np.exp(draw.uniform(np.log(0.005), np.log(0.055))))
    colour = np.array(_colour(draw), np.float32)
    strength = float(draw.uniform(0.6, 1.8))
    apart = core * float(draw.uniform(3, 7)) if draw.random() < 0.5 else 0.0
    shape = float(draw.uniform(0.55, 1.5))  # how much wider than high
    bloom = (float(draw.uniform(0.03, 0.3)), float(draw.uniform(1.2, 4.0)))
    rays = int(draw.choice([0, 0, 0, 4, 6, 8]))
    turned = float(draw.uniform(0, np.pi))
    for at in (x, x + apart) if apart else (x,):
        light = _burst(at, y, core, shape) * strength * 1.6
        light += _bloom(at, y, core * bloom[1]) * bloom[0] * strength
        if rays:
            light += _rays(at, y, core * 3, rays, turned) * 0.5 * strength
        light += _image(at, y, core * 1.5) * mirror * strength
        picture += light[..., None] * colour


def _colour(draw: Random) -> tuple[float, ...]:
    if draw.random() < _PLAIN_WHITE:
        return 255.0, float(draw.uniform(235, 262)), float(draw.uniform(215, 280))
    return tuple(float(v) for v in _COLOURS[int(draw.integers(len(_COLOURS)))])


def _burst(x: float, y: float, core: float, shape: float) -> Field:
    """Return the lamp itself: white beyond what the picture can show, with a soft edge."""
    rows, columns = places()
    far = ((columns - x) / (core * shape)) ** 2 + ((rows - y) / core) ** 2
    burst: Field = np.exp(-(np.minimum(far, 60) ** 1.5))
    return burst


def _bloom(x: float, y: float, reach: float) -> Field:
    """Return the light that lens and damp air spread around it, far out."""
    rows, columns = places()
    far = ((columns - x) ** 2 + (rows - y) ** 2) / reach**2
    return (1 / (1 + far)).astype(np.float32)


def _rays(x: float, y: float, length: float, count: int, turned: float) -> Field:
    rows, columns = places()
    far = np.sqrt((columns - x) ** 2 + (rows - y) ** 2) + 1e-4
    angle = np.arctan2(rows - y, columns - x) + turned
    rays: Field = np.exp(-far / length) * np.abs(np.cos(angle * count / 2)) ** 60
    return rays


def _image(x: float, y: float, wide: float) -> Field:
    """Return the image on the ground: a streak downwards, wider and weaker as it goes."""
    rows, columns = places()
    down = np.maximum(0, rows - y - 2 * wide)
    across = np.exp(-(((columns - x) / (wide * (1 + 2 * down))) ** 2))
    streak: Field = across * np.exp(-down * 3.5) * (down > 0)
    return streak


def _ripple(draw: Random) -> Field:
    """Return how well each place of a wet road mirrors, 0..1: broken crosswise."""
    lines = np.repeat(draw.random((SIDE_PX // 4, 1), np.float32), 4, axis=0)
    lines = np.repeat(lines, SIDE_PX, axis=1)
    return np.clip(lines * 0.7 + 0.6 * soft_noise(SIDE_PX, SIDE_PX, draw) - 0.1, 0, 1)


def _windows(picture: Field, draw: Random) -> None:
    """Light windows, shops and signs."""
    for _ in range(int(draw.integers(1, 9))):
        wide, high = (int(v) for v in np.exp(draw.uniform(np.log(4), np.log(50), 2)))
        left, top = int(draw.integers(0, SIDE_PX - wide)), int(draw.integers(0, SIDE_PX - high))
        colour = np.array(_colour(draw), np.float32) * float(draw.uniform(0.2, 0.9))
        inside = soft_noise(wide, high, draw)[..., None] ** 0.7
        picture[top : top + high, left : left + wide] += colour * inside
