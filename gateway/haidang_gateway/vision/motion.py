"""Is the picture alive? Pure judgement over small brightness pictures: frozen, black, moving."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
View = Literal["ok", "frozen", "dark"]

# One picture encoded again and again (mpeg4 and h264 at 1 to 3 Mbit/s, key frame each second)
# differed from itself by at most 1.7 levels on average and in 0.02 % of its pixels by more than
# 12; a street with few walkers differs in 3 % within a second. Below 0.5 Mbit/s the encoder's own
# pulsing hides a frozen picture.
_NOISE_LEVELS = 2.0
_MOTION_LEVELS = 12
_MOTION_SHARE = 0.002
_BLACK_LEVEL = 24
_FLAT_LEVELS = 3.0


def difference(before: Luma, after: Luma) -> float:
    """Mean absolute difference in brightness levels; the pictures have one shape."""
    return float(np.abs(before.astype(np.int16) - after).mean())


def changed_share(before: Luma, after: Luma, levels: int = _MOTION_LEVELS) -> float:
    """Share 0..1 of the pixels that changed by more than `levels`."""
    return float((np.abs(before.astype(np.int16) - after) > levels).mean())


def is_dark(luma: Luma) -> bool:
    """Black, or one even tone: a covered lens, a dead sensor, a lost input."""
    return float(luma.max()) < _BLACK_LEVEL or float(luma.std()) < _FLAT_LEVELS


class Liveness:
    """Says when a picture has been dark or frozen for too long, and when it recovers."""

    def __init__(self, *, dark_after_ms: int, frozen_after_ms: int) -> None:
        """Start as seeing; the first picture is the first anchor."""
        self._dark_after_ms = dark_after_ms
        self._frozen_after_ms = frozen_after_ms
        self._anchor: Luma | None = None
        self._moved_ms = 0
        self._bright_ms = 0

    def see(self, luma: Luma, at_ms: int) -> View:
        """Judge one picture taken at `at_ms` (steady clock).

        A picture is compared with the last one that differed, not with its predecessor: slow
        change adds up to movement instead of hiding below the limit.
        """
        if self._anchor is None or self._anchor.shape != luma.shape:
            self._anchor, self._moved_ms, self._bright_ms = luma, at_ms, at_ms
        if _lives(self._anchor, luma):
            self._anchor, self._moved_ms = luma, at_ms
        if not is_dark(luma):
            self._bright_ms = at_ms
        if at_ms - self._bright_ms >= self._dark_after_ms:
            return "dark"
        return "frozen" if at_ms - self._moved_ms >= self._frozen_after_ms else "ok"


def _lives(anchor: Luma, luma: Luma) -> bool:
    moved = changed_share(anchor, luma) >= _MOTION_SHARE
    return moved or difference(anchor, luma) >= _NOISE_LEVELS
