"""Looks for flames and smoke: once, and where something may burn once more from farther away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from haidang_gateway.vision.picture import (
    FireScores,
    Grid,
    Picture,
    Run,
    Shown,
    Still,
    fire_scores,
    upon_grey,
)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Which pictures are looked at twice, and how.

    A picture is, whose stronger score reaches `from_score` (0..1) in the first look; in the second
    it is mirrored and takes `size` (0..1) of the input's sides, grey around it.
    """

    from_score: float
    size: float


def look_for_fire(
    picture: Shown | Picture, run: Run, width: int, height: int, second: SecondLook | None
) -> FireScores:
    """Scores of a picture of any size by `run`, a fire model of `width` x `height`.

    Of two looks the picture's logits are the mean; the cells and boxes are the first one's, which
    has them in their place. Without `second` there is one look. ModelError as `fire_scores`.
    """
    if isinstance(picture, np.ndarray):
        picture = Still(picture)
    first = run(picture.sized(width, height))
    seen = fire_scores(first)
    if second is None or max(seen.fire, seen.smoke) < second.from_score:
        return seen
    return fire_scores(_merged(first, run(_other_view(picture, width, height, second.size))))


def _other_view(picture: Shown, width: int, height: int, size: float) -> Picture:
    """Nothing is cut off at the borders, yet all of it falls otherwise into the network's grid."""
    # Even numbers: a decoder's picture has its colours at half the size.
    wide, high = (round(side * size / 2) * 2 for side in (width, height))
    return np.ascontiguousarray(upon_grey(picture, wide, high, width, height)[:, ::-1])


def _merged(first: Sequence[Grid], again: Sequence[Grid]) -> list[Grid]:
    half = np.float32(0.5)
    return [(a + b) * half if a.size == 2 else a for a, b in zip(first, again, strict=True)]
