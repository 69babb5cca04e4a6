"""What is usual at one camera: scores that come again and again without a fire. Pure.

Wet asphalt, a lantern or a red sign score high every evening. Where a spot does, more is asked of
it, within bounds: what scores as a strong fire always counts.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float32]

# The score that a spot stays below in 99 of 100 looks, followed by small steps up and down.
_QUANTILE = 0.99
_LEARN_EVERY_MS = 30_000
_FIRST_DAY_MS = 86_400_000
_STEP_FIRST_DAY = 0.02
_STEP_LATER = 0.004
# While a verdict stands, a real fire may be what is seen.
_STEP_ALARMED = 0.25
_MARGIN = 0.05
# From the threshold this share of the way to 1 is the most that may ever be asked.
_MOST_SHARE = 0.8
_HOT_SHARE = 0.8


class Usual:
    """The usual scores of one kind (flames or smoke) in each cell of one camera's picture."""

    def __init__(self, threshold: float) -> None:
        """`threshold` is the shipped one: never asked for less."""
        self._threshold = threshold
        self._cells: Cells | None = None
        self._begun_ms: int | None = None
        self._learnt_ms = 0

    @property
    def strong(self) -> float:
        """From this score on, a fire counts wherever it is and whatever was learnt."""
        return self._threshold + (1 - self._threshold) * _MOST_SHARE

    def learns(self, at_ms: int) -> bool:
        """Whether it is time to learn from a picture."""
        return self._cells is None or at_ms - self._learnt_ms >= _LEARN_EVERY_MS

    def fair(self, score: float, cells: Cells) -> float:
        """The score of a picture, lowered so far as its strongest spot is known to score high."""
        if self._cells is None or self._cells.shape != cells.shape or score >= self.strong:
            return score
        usual = float(self._cells.flat[int(cells.argmax())])
        wanted = min(self.strong, max(self._threshold, usual + _MARGIN))
        return min(score, score * self._threshold / wanted)

    def learn(self, score: float, cells: Cells, at_ms: int, *, alarmed: bool) -> None:
        """Learn from a picture, at most once in 30 s, more slowly while a verdict stands."""
        if self._begun_ms is None or self._cells is None or self._cells.shape != cells.shape:
            self._cells, self._begun_ms = np.zeros(cells.shape, np.float32), at_ms
        elif not self.learns(at_ms):
            return
        self._learnt_ms = at_ms
        first_day = at_ms - self._begun_ms < _FIRST_DAY_MS
        step = _STEP_FIRST_DAY if first_day else _STEP_LATER
        if alarmed:
            step *= _STEP_ALARMED
        # The picture's score belongs to its strongest cells; alone a cell means no more than it.
        hot = cells >= cells.max() * _HOT_SHARE
        seen = np.where(hot, np.float32(score), np.minimum(cells, score))
        above = seen > self._cells
        # Up by whole steps where it is exceeded: a spot that is high every hundredth time stays.
        self._cells += np.where(above, step * _QUANTILE, -step * (1 - _QUANTILE))
        np.clip(self._cells, 0.0, 1.0, out=self._cells)

    def to_json(self) -> dict[str, Any]:
        """What was learnt, for a file."""
        cells = [] if self._cells is None else self._cells.round(3).tolist()
        return {"begun_ms": self._begun_ms, "cells": cells}

    def take_over(self, kept: dict[str, Any]) -> None:
        """Go on with what a file says; what does not look like it is learnt anew."""
        self._begun_ms = self._cells = None
        try:
            begun_ms, cells = kept["begun_ms"], np.array(kept["cells"], np.float32)
        except (KeyError, TypeError, ValueError):
            return
        if isinstance(begun_ms, int) and cells.ndim == 2 and np.isfinite(cells).all():
            self._begun_ms, self._cells = begun_ms, np.clip(cells, 0.0, 1.0)
