"""Does a spot behave like fire: does it flicker 1 to 15 times a second, does it grow? Pure."""

from collections import deque
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.model import Box
from haidang_gateway.vision.motion import Luma

Cells = NDArray[np.float32]

_WINDOW_MS = 4_000
_LEAST_LOOKS = 12
# Below 5 pictures a second nothing of a flame's 1 to 15 Hz is left to be seen.
_LONGEST_STEP_MS = 210
_LEAST_SWING = 0.02
_LEAST_HZ = 1.0
_MOST_HZ = 15.0
_GROWTH_WINDOW_MS = 60_000
_GROWTH_SHARE = 1.3
HOT_SHARE = 0.5
"""From this score on a cell belongs to the hot area."""


class Lit(Protocol):
    """A picture whose brightness can be had."""

    @property
    def luma(self) -> Luma: ...


class Flicker:
    """Brightness of one spot over the last seconds."""

    def __init__(self) -> None:
        """Start without a spot."""
        self._light: deque[tuple[int, float]] = deque()
        self._spot: Box | None = None

    def see(self, picture: Lit, box: Box | None, at_ms: int) -> bool:
        """Take one picture and its spot (a spot elsewhere begins anew); whether it flickers."""
        if box is None or (self._spot is not None and not _overlap(self._spot, box)):
            self._light.clear()
            self._spot = None
        if box is None:
            return False
        self._spot = self._spot or box
        patch = _patch(picture.luma, self._spot)
        self._light.append((at_ms, float(patch.mean())))
        while at_ms - self._light[0][0] > _WINDOW_MS:
            self._light.popleft()
        return self._flickers()

    def _flickers(self) -> bool:
        if len(self._light) < _LEAST_LOOKS:
            return False
        span_ms = self._light[-1][0] - self._light[0][0]
        if span_ms > _LONGEST_STEP_MS * (len(self._light) - 1) or span_ms <= 0:
            return False
        light = np.array([value for _, value in self._light])
        even = light - np.polyval(np.polyfit(range(len(light)), light, 1), range(len(light)))
        swing = float(even.std()) / max(float(light.mean()), 1.0)
        turns = sum((a < 0) != (b < 0) for a, b in pairwise(even))
        return swing >= _LEAST_SWING and _LEAST_HZ <= turns / 2 * 1000 / span_ms <= _MOST_HZ


class Growth:
    """The area of the hot cells over the last minute."""

    def __init__(self) -> None:
        """Start without an area."""
        self._areas: deque[tuple[int, int]] = deque()
        self._hot = 0

    def see(self, cells: Cells | None, score: float, at_ms: int) -> bool:
        """Take one picture's map of scores; whether the hot area grows steadily.

        None has no hot area.
        """
        area = 0
        if cells is not None and score >= HOT_SHARE:
            area = int((cells >= HOT_SHARE).sum())
        self._areas.append((at_ms, area))
        self._hot += area
        while at_ms - self._areas[0][0] > _GROWTH_WINDOW_MS:
            self._hot -= self._areas.popleft()[1]
        third = len(self._areas) // 3
        if third < _LEAST_LOOKS // 3 or self._hot == 0:
            return False
        areas = [area for _, area in self._areas]
        early, middle, late = (sum(areas[i * third : (i + 1) * third]) / third for i in range(3))
        return early > 0 and late >= early * _GROWTH_SHARE and early <= middle <= late


def _patch(luma: Luma, box: Box) -> Luma:
    high, wide = luma.shape
    x, y, w, h = box
    top, left = int((y - h / 2) * high), int((x - w / 2) * wide)
    return luma[
        max(0, top) : max(top + 1, int((y + h / 2) * high), 1),
        max(0, left) : max(left + 1, int((x + w / 2) * wide), 1),
    ]


def _overlap(one: Box, other: Box) -> bool:
    return (
        abs(one[0] - other[0]) * 2 <= one[2] + other[2]
        and abs(one[1] - other[1]) * 2 <= one[3] + other[3]
    )
