"""What to write as a camera's `count_gain`, from its own pictures counted by hand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ENOUGH = 20
"""Pictures: with fewer the factor is chance."""

_PARTS = 5
_LEAST, _MOST = 0.5, 2.0  # what lies beyond is no matter of a factor: train on own frames


def own_gain(counted: Sequence[float], truth: Sequence[float]) -> dict[str, float] | None:
    """Return `count_gain` and `mae_with_it`, the mean absolute error that it leaves.

    Nothing is scored with a factor that it taught: each fifth of the list, in its order, is
    counted with what the other four say. None for fewer than `ENOUGH` pictures, where nobody was
    counted, and where the model is wrong by more than a factor can mend.
    """
    found, people = np.asarray(counted, np.float64), np.asarray(truth, np.float64)
    if len(found) < ENOUGH:
        return None
    parts = np.array_split(np.arange(len(found)), _PARTS)
    gains = [_gain(np.delete(found, part), np.delete(people, part)) for part in parts]
    whole = _gain(found, people)
    if whole is None or None in gains:
        return None
    wrong = [
        np.abs(found[part] * gain - people[part])
        for part, gain in zip(parts, gains, strict=True)
        if gain is not None
    ]
    return {
        "count_gain": round(whole, 3),
        "mae_with_it": round(float(np.concatenate(wrong).mean()), 3),
    }


def _gain(found: NDArray[np.float64], people: NDArray[np.float64]) -> float | None:
    """Return people per one counted: pictures with many, where it matters, weigh more."""
    gain = float(people.sum()) / max(float(found.sum()), 1e-6)
    return gain if _LEAST <= gain <= _MOST else None
