"""What moves in a picture, and whether anything does at all; pure judgement over brightness."""

import zlib
from collections import deque

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.vision.masks import Masks

Luma = NDArray[np.uint8]

# One picture encoded again and again (mpeg4 and h264 at 1 to 3 Mbit/s, key frame each second)
# differed from itself by at most 1.7 levels on average and in 0.02 % of its pixels by more than
# 12; a street with few walkers differs in 3 % within a second. Below 0.5 Mbit/s the encoder's own
# pulsing hides a frozen picture.
_NOISE_LEVELS = 2.0
# The same picture encoded again comes back within 0.001 levels once a group of pictures is over
# (h264 and mpeg4 at 0.4 to 1 Mbit/s, key frame each 1 to 5 s); half a level of a sensor's noise
# leaves 0.045 and more between any two: so a street without a soul differs from a frozen one.
_SAME_LEVELS = 0.02
_GROUP = 32
_MOTION_LEVELS = 12
_MOTION_SHARE = 0.002
# A sensor's noise never gives the same picture twice; a player that loops a recording does.
_LOOPED_SHARE = 0.9
_LEAST_PICTURES = 20
_MOST_PICTURES = 1200


def difference(before: Luma, after: Luma) -> float:
    """Mean absolute difference in brightness levels; the pictures have one shape."""
    return float(np.abs(before.astype(np.int16) - after).mean())


class Gate:
    """Says whether something moves, apart from where `masks` hide it (a flag, a road, a tree).

    A picture is compared with a slow mean of the earlier ones: what drifts slowly, as smoke does,
    stands out more and more, and noise does not.
    """

    def __init__(self, masks: Masks, *, share: float = _MOTION_SHARE) -> None:
        """`share` 0..1 of the pixels must change."""
        self._masks = masks
        self._share = share
        self._mean: NDArray[np.float32] | None = None

    def see(self, luma: Luma) -> bool:
        """Take one picture; whether it moved against the mean. The first one does."""
        if self._mean is None or self._mean.shape != luma.shape:
            self._mean = luma.astype(np.float32)
            return True
        step = luma - self._mean
        self._mean += step * np.float32(0.1)
        changed = np.abs(step, out=step) > _MOTION_LEVELS
        if self._masks:
            changed &= ~self._masks.inside(*luma.shape)
        return int(np.count_nonzero(changed)) >= self._share * luma.size


class Stillness:
    """Says when a picture stands still, or when the same pictures come again and again.

    Still is what neither moves nor shows any new noise: at night a street is empty for hours.
    """

    def __init__(self, *, after_ms: int, loops: bool = True) -> None:
        """`loops` False lets a recording be played over and over on purpose."""
        self._after_ms = after_ms
        self._loops = loops
        self._anchor: NDArray[np.int16] | None = None
        self._moved_ms = 0
        self._group: list[Luma] = []
        self._sums = np.zeros((_GROUP, 0), np.int32)
        self._next = 0
        self._fresh_ms = 0
        self._begun_ms = 0
        self._known: dict[int, int] = {}
        self._recent: deque[tuple[int, bool]] = deque(maxlen=_MOST_PICTURES)
        self._last = 0

    def see(self, luma: Luma, at_ms: int) -> bool:
        """Judge one picture taken at `at_ms` (steady clock).

        A picture is compared with the last one that differed, not with its predecessor: slow
        change adds up to movement instead of hiding below the limit.
        """
        anchor = self._anchor
        if anchor is None or anchor.shape != luma.shape or _lives(anchor, luma):
            self._anchor, self._moved_ms = luma.astype(np.int16), at_ms
        if self._is_fresh(luma):
            self._fresh_ms = at_ms
        looped = self._loops and self._is_looped(luma, at_ms)
        return looped or at_ms - max(self._moved_ms, self._fresh_ms) >= self._after_ms

    def _is_fresh(self, luma: Luma) -> bool:
        """Whether it is none of the group, which it joins then.

        The whole of two pictures is compared but rarely: where their rows' sums differ by more
        than the pictures may, they differ.
        """
        if not self._group or self._group[0].shape != luma.shape:
            self._group, self._next = [], 0
            self._sums = np.zeros((_GROUP, luma.shape[0]), np.int32)
        sums = luma.sum(axis=1, dtype=np.int32)
        apart = np.abs(self._sums[: len(self._group)] - sums).sum(axis=1)
        near = np.flatnonzero(apart < _SAME_LEVELS * luma.size)
        if any(difference(self._group[int(i)], luma) < _SAME_LEVELS for i in near):
            return False
        self._group[self._next : self._next + 1] = [luma]
        self._sums[self._next] = sums
        self._next = (self._next + 1) % _GROUP
        return True

    def _is_looped(self, luma: Luma, at_ms: int) -> bool:
        key = zlib.crc32(luma.tobytes())
        if key != self._last:
            self._recent.append((at_ms, key in self._known))
        self._last = key
        self._known[key] = at_ms
        if len(self._known) > 2 * _MOST_PICTURES:
            newest = sorted(self._known.items(), key=lambda known: known[1])
            self._known = dict(newest[-_MOST_PICTURES:])
        while self._recent and at_ms - self._recent[0][0] > self._after_ms:
            self._recent.popleft()
            self._begun_ms = self._begun_ms or at_ms
        seen = len(self._recent)
        again = sum(known for _, known in self._recent)
        return bool(self._begun_ms and seen >= _LEAST_PICTURES and again >= _LOOPED_SHARE * seen)


def _lives(anchor: NDArray[np.int16], luma: Luma) -> bool:
    apart = anchor - luma
    np.abs(apart, out=apart)
    moved = np.count_nonzero(apart > _MOTION_LEVELS) >= _MOTION_SHARE * luma.size
    return bool(moved) or float(apart.mean()) >= _NOISE_LEVELS
