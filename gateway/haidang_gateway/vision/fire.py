"""The vote over time: one picture never alarms, N of the last M at one spot do."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.errors import ConfigError
from haidang_gateway.model import Box

Cells = NDArray[np.float32]

_HYSTERESIS = 0.8
_REPEAT_MS = 10_000
_FORGET_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The vote's state after a change or as a repeat; `score` is the mean of the votes for it."""

    active: bool
    score: float
    box: Box | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Ballot:
    score: float
    hot: NDArray[np.bool_] | None
    box: Box | None
    at_ms: int


class Vote:
    """N-of-M vote on one kind (flames or smoke) of one camera, with hysteresis.

    Active once `need` of the last `of` pictures reach `threshold` at one spot; then it lasts while
    half as many reach 0.8 of it. Speaks on every change, every 10 s while active, and once
    when the first `of` pictures were quiet, so that a restarted worker ends an old verdict.
    """

    def __init__(self, *, threshold: float, need: int, of: int) -> None:
        """Store the limits; ConfigError unless 1 <= need <= of."""
        if not 1 <= need <= of:
            raise ConfigError((f"fire vote: {need} of {of} pictures cannot be; use 4 of 8",))
        self._threshold = threshold
        self._need = need
        self._keep = max(1, need // 2)
        self._ballots: deque[_Ballot] = deque(maxlen=of)
        self._of = of
        self._active: bool | None = None
        self._spoken_ms = 0

    @property
    def active(self) -> bool:
        """Whether it says that it burns."""
        return bool(self._active)

    def see(
        self,
        score: float,
        at_ms: int,
        *,
        cells: Cells | None = None,
        box: Box | None = None,
        alive: bool = False,
    ) -> Verdict | None:
        """Count one picture; a verdict where something is to be said.

        `cells` is the map of scores (rows x columns); without it every vote counts as one spot.
        `alive` says that the spot flickers or grows as fire does: three quarters of the votes do.
        """
        self._drop_stale(at_ms)
        limit = self._threshold * _HYSTERESIS
        hot = None if cells is None or score < limit else _hot_cells(cells, limit)
        self._ballots.append(_Ballot(score, hot, box, at_ms))
        need = -(-self._need * 3 // 4) if alive else self._need
        return self._speak(self._decide(need), at_ms)

    def _drop_stale(self, at_ms: int) -> None:
        while self._ballots and at_ms - self._ballots[0].at_ms > _FORGET_MS:
            self._ballots.popleft()

    def _decide(self, need: int) -> bool | None:
        if self._active:
            return len(self._votes(self._threshold * _HYSTERESIS)) >= self._keep
        if len(self._votes(self._threshold)) >= need:
            return True
        return False if len(self._ballots) == self._of else self._active

    def _votes(self, limit: float) -> list[_Ballot]:
        """The pictures that reach `limit` at one spot, oldest first: that of the newest of them.

        While active that where most of them are: a headlight elsewhere ends no fire.
        """
        high = [b for b in self._ballots if b.score >= limit]
        anchors = high[::-1] if self._active else high[-1:]
        return max(
            ([b for b in high if _same_spot(anchor.hot, b.hot)] for anchor in anchors),
            key=len,
            default=[],
        )

    def _speak(self, active: bool | None, at_ms: int) -> Verdict | None:
        due = bool(active) and at_ms - self._spoken_ms >= _REPEAT_MS
        if active is None or (active is self._active and not due):
            return None
        self._active, self._spoken_ms = active, at_ms
        votes = self._votes(self._threshold * _HYSTERESIS) if active else list(self._ballots)
        score = sum(b.score for b in votes) / len(votes)
        return Verdict(
            active=active,
            score=round(score, 3),
            box=votes[-1].box if active else None,
            at_ms=at_ms,
        )


def _hot_cells(cells: Cells, limit: float) -> NDArray[np.bool_]:
    """Cells near the strongest one's score, grown by one cell on each side: flames wander."""
    peak = float(cells.max())
    hot = cells >= min(limit, peak * _HYSTERESIS)
    padded = np.pad(hot, 1)
    grown = hot.copy()
    rows, columns = hot.shape
    for down in range(3):
        for right in range(3):
            grown |= padded[down : down + rows, right : right + columns]
    return grown


def _same_spot(newest: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> bool:
    return newest is None or other is None or bool((newest & other).any())
