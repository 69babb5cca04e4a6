"""Which way a picture's edges run, in a small map: light and weather leave that as it is."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.vision.masks import Inside
from haidang_gateway.vision.motion import Luma

Edges = NDArray[np.complex64]
"""For each field a direction, turned twice round (so that bright and dark may change places), as
long as the edge is steep: 0 for none, 1 at most."""

Fields = NDArray[np.bool_]
Places = NDArray[np.intp]
Answer = Literal["same", "another", "unclear"]

ROWS, COLUMNS = 48, 80
# Steep is an edge beside which the brightness differs by this share of the picture's mean: fog
# makes edges faint, the camera's gain does not make them steep.
_STEEP_SHARE = 0.2
# The learnt view lies upon the present one with no shift, give or take two fields (2.5 % of the
# width; wind sways masts). It is the same where it stands out there by so many standard
# deviations and nowhere more, or so many times as much as anywhere else. What seven streets
# measured: `python -m bench.vision_limits` (docs/cameras.md).
_SWAY = 2
_STANDS_OUT, _LEADS = 6.0, 1.4
# Where one long line (a horizon, a dyke) is most of the view, all shifts along it are alike, and
# nothing stands out: there so much in common is enough, as long as no shift is much better.
_ALIKE, _SURELY_ALIKE = 0.5, 0.8
_MUCH_BETTER = 1.25
# What tells of another view: the learnt one is found at another place, or both have edges in
# common places (counted as whole fields) that do not match; the more the learnt one stands out in
# its place, the more of those are asked for. What was learnt in one light alone may be its lamps:
# over bare asphalt those have up to 81 in common with cars by day (test_view_turned.py).
_FOUND_ELSEWHERE = 8.0
_COMMON_EACH = 10.0
_COMMON_IN_ONE_LIGHT = 100.0


def _beyond(fields: int) -> Fields:
    """Which shifts are larger than so many fields in either direction."""
    down, right = np.meshgrid(
        np.fft.fftfreq(ROWS, 1 / ROWS), np.fft.fftfreq(COLUMNS, 1 / COLUMNS), indexing="ij"
    )
    beyond: Fields = np.maximum(np.abs(down), np.abs(right)) > fields
    return beyond


_SHIFTED = _beyond(_SWAY)


def edges(luma: Luma, hidden: Fields | None = None) -> Edges | None:
    """Return the map of a picture, 0 in the fields that are hidden; None for tiny pictures."""
    if luma.shape[0] < ROWS // 2 or luma.shape[1] < COLUMNS // 2:
        return None
    light = _fields(luma).astype(np.float32)
    right = light[1:-1, 2:] - light[1:-1, :-2]
    down = light[2:, 1:-1] - light[:-2, 1:-1]
    steepness = right * right + down * down
    steepness += np.float32((_STEEP_SHARE * float(light.mean())) ** 2 + 1)
    found: Edges = np.zeros((ROWS, COLUMNS), np.complex64)
    inner = found[1:-1, 1:-1]
    inner.real = (right + down) * (right - down) / steepness
    inner.imag = 2 * right * down / steepness
    if hidden is not None:
        found[hidden] = 0
    return found


def strength(of: Edges) -> float:
    """How many edges there are, as many as whole fields."""
    return float(np.abs(of).sum())


def likeness(learnt: Edges, now: Edges) -> float:
    """How much two maps have in common: 1 the same, 0 nothing."""
    scale = float(np.linalg.norm(learnt)) * float(np.linalg.norm(now))
    return float(np.vdot(learnt, now).real) / max(scale, 1e-6)


@dataclass(frozen=True, slots=True)
class Match:
    """A learnt map laid upon the present one with all shifts.

    `here` in its place and `elsewhere` at best: by so many standard deviations what they have in
    common stands out among all shifts. `common`: edges where both have some, as whole fields.
    """

    alike: float
    here: float
    elsewhere: float
    common: float

    @property
    def lead(self) -> float:
        """By how many times it stands out more in its place than elsewhere."""
        return self.here / max(self.elsewhere, 1e-6)


def match(learnt: Edges, now: Edges) -> Match:
    """Lay the learnt map upon the present one."""
    common = np.fft.ifft2(np.conj(np.fft.fft2(learnt)) * np.fft.fft2(now)).real
    shifted = common[_SHIFTED]
    mean, spread = float(shifted.mean()), max(float(shifted.std()), 1e-6)
    return Match(
        alike=likeness(learnt, now),
        here=(float(common[~_SHIFTED].max()) - mean) / spread,
        elsewhere=(float(shifted.max()) - mean) / spread,
        common=strength(np.abs(learnt) * now),
    )


def compare(learnt: Edges, now: Edges, *, one_light: bool) -> Answer:
    """Whether they show one view. `one_light`: less than a day was learnt."""
    if likeness(learnt, now) >= _SURELY_ALIKE:
        return "same"
    found = match(learnt, now)
    if found.alike >= _ALIKE:
        return "another" if found.elsewhere >= _MUCH_BETTER * found.here else "same"
    if found.lead >= _LEADS or (found.here >= _STANDS_OUT and found.lead >= 1):
        return "same"
    if found.elsewhere >= _FOUND_ELSEWHERE:
        return "another"
    least = _COMMON_EACH * max(found.here, 1.0)
    if one_light:
        least = max(least, _COMMON_IN_ONE_LIGHT)
    return "another" if found.common >= least else "unclear"


def _fields(luma: Luma) -> NDArray[np.int16]:
    """The sums of 2 x 2 pixels, spread evenly over the picture."""
    light = luma.astype(np.int16)
    (upper, left), (lower, right) = _corners(*luma.shape)
    bands = light[upper] + light[lower]
    return bands.take(left, axis=1) + bands.take(right, axis=1)


@lru_cache(maxsize=8)
def _corners(high: int, wide: int) -> tuple[tuple[Places, Places], tuple[Places, Places]]:
    """Rows and columns of the fields' first pixels, then those of their second ones."""
    rows, columns = np.arange(ROWS) * high // ROWS, np.arange(COLUMNS) * wide // COLUMNS
    return (rows, columns), (np.minimum(rows + 1, high - 1), np.minimum(columns + 1, wide - 1))


def touched(inside: Inside) -> Fields:
    """Which fields a mask touches, or touches a neighbour of: its own border is no edge."""
    fields: Fields = _fields(inside.astype(np.uint8)) > 0
    grown = np.pad(fields, 1)
    fields |= grown[2:, 1:-1] | grown[:-2, 1:-1] | grown[1:-1, 2:] | grown[1:-1, :-2]
    return fields
