"""Can this camera see? Pure judgement: frozen, black, blinded, out of focus, turned away."""

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.vision.edges import Answer, Edges, Fields, edges, touched
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.motion import Luma, Stillness
from haidang_gateway.vision.reference import Reference, Steps, sharpness, steps

View = Literal["ok", "stuck", "black", "blinded", "blurred", "turned"]
BLIND: tuple[View, ...] = ("stuck", "black", "blinded")
"""What counts as no sight: a fire in it still alarms, but its quiet ends none."""

Levels = NDArray[np.intp]
"""How many pixels have each of the 256 levels."""

_LEVEL = np.arange(256.0)
_BLACK_LEVEL = 24
_FLAT_LEVELS = 3.0
_WHITE_LEVEL = 250
_WHITE_SHARE = 0.6
# Seven clips: a blur over 7 pixels of 160 leaves .29 to .39 of the steepness, over 11 pixels .23
# to .30; rain, fog, night, a shadow over half of it or a lorry leave .69 and more. Bare asphalt
# shows no edges that could be lost: there a blur is not noticed.
_BLURRED_SHARE = 0.4
_SHARP_PICTURES, _SHARP_MS = 9, 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For how long a view must be bad to be told."""

    dark_after_ms: int = 20_000
    frozen_after_ms: int = 60_000
    turned_after_ms: int = 60_000


class Sight:
    """Judges one camera's pictures in order of time and learns what it usually sees."""

    def __init__(
        self, limits: Limits, reference: Reference, masks: Masks, *, loops: bool = True
    ) -> None:
        """`masks` hide parts that must not count; `loops` False allows a looped recording."""
        self.reference = reference
        self._limits = limits
        self._masks = masks
        self._still = Stillness(after_ms=limits.frozen_after_ms, loops=loops)
        self._since: dict[View, int] = {}
        self._turned = False
        self._veil: tuple[tuple[int, ...], Fields | None] = ((), None)
        self._mean: Edges | None = None
        self._mean_ms = 0
        self._sharp: deque[tuple[int, float]] = deque(maxlen=_SHARP_PICTURES)

    def see(self, luma: Luma, at_ms: int) -> View:
        """Judge one picture taken at `at_ms` (steady clock); the worst word that held."""
        limits = self._limits
        seen = self._unmasked(luma)
        levels = np.bincount(seen.ravel(), minlength=256)
        dark, white = _is_dark(levels), _is_white(levels)
        still = self._still.see(luma, at_ms)
        if self._held("black", dark and not white, at_ms, limits.dark_after_ms):
            return "black"
        if self._held("blinded", white, at_ms, limits.dark_after_ms):
            return "blinded"
        if still:
            return "stuck"
        return "ok" if dark or white else self._compare(luma, at_ms)

    def shows_nothing(self, luma: Luma) -> bool:
        """Whether this very picture is dark, one even tone or over-exposed."""
        levels = np.bincount(self._unmasked(luma).ravel(), minlength=256)
        return _is_dark(levels) or _is_white(levels)

    def _unmasked(self, luma: Luma) -> Luma:
        return luma[~self._masks.inside(*luma.shape)] if self._masks else luma

    def _compare(self, luma: Luma, at_ms: int) -> View:
        found = steps(luma)
        now = edges(luma, self._hidden(luma))
        if now is None:
            return "ok"
        mean, sharp = self._minute(now, at_ms), self._usual_sharpness(luma, found, at_ms)
        known, after_ms = self.reference.known, self._limits.turned_after_ms
        blurred = known and self.reference.sharpness_share(sharp) < _BLURRED_SHARE
        # Without focus there are no edges to compare: that word goes first.
        answer = self.reference.compare(mean) if known and not blurred else "unclear"
        self._turned = self._is_turned(answer, at_ms)
        if self._held("blurred", blurred, at_ms, after_ms):
            return "blurred"
        if self._turned:
            return "turned"
        # A first day has lights that nobody has seen yet: then it is learnt from what is unclear.
        fresh = answer == "unclear" and not blurred and self.reference.young
        if answer == "same" or fresh:
            self.reference.learn(now, sharp, at_ms)
        return "ok"

    def _hidden(self, luma: Luma) -> Fields | None:
        """The fields that masks hide, made once for a size."""
        if self._masks and self._veil[0] != luma.shape:
            self._veil = luma.shape, touched(self._masks.inside(*luma.shape))
        return self._veil[1]

    def _is_turned(self, answer: Answer, at_ms: int) -> bool:
        """What fog or darkness hides is neither known nor strange: it begins and ends nothing."""
        if answer == "unclear":
            return self._turned
        another = answer == "another"
        return self._held("turned", another, at_ms, self._limits.turned_after_ms)

    def _minute(self, now: Edges, at_ms: int) -> Edges:
        """The mean of about the last ten seconds: what passes by leaves it alone."""
        if self._mean is None:
            self._mean, self._mean_ms = now.copy(), at_ms
        share = np.float32(min(1.0, max(0, at_ms - self._mean_ms) / 10_000))
        self._mean_ms = at_ms
        self._mean += (now - self._mean) * share
        return self._mean

    def _usual_sharpness(self, luma: Luma, found: Steps, at_ms: int) -> float:
        """The middle one of the last seconds' pictures.

        At night a headlight's glow makes single ones as soft as lost focus (.36 of the learnt),
        which would begin that fault, and end the time for which a view was turned.
        """
        self._sharp.append((at_ms, sharpness(luma, found)))
        while at_ms - self._sharp[0][0] > _SHARP_MS:
            self._sharp.popleft()
        return median(sharp for _, sharp in self._sharp)

    def _held(self, word: View, bad: bool, at_ms: int, after_ms: int) -> bool:
        if not bad:
            self._since.pop(word, None)
            return False
        return at_ms - self._since.setdefault(word, at_ms) >= after_ms


def is_dark(luma: Luma) -> bool:
    """Black, or one even tone: a covered lens, a dead sensor, a lost input."""
    return _is_dark(np.bincount(luma.ravel(), minlength=256))


def is_white(luma: Luma) -> bool:
    """Most of it over-exposed: sun or a lamp shines into the lens."""
    return _is_white(np.bincount(luma.ravel(), minlength=256))


def _is_dark(levels: Levels) -> bool:
    pixels = int(levels.sum())
    if pixels == 0 or not levels[_BLACK_LEVEL:].any():
        return True
    mean = float(levels @ _LEVEL) / pixels
    return float(levels @ (_LEVEL - mean) ** 2) / pixels < _FLAT_LEVELS**2


def _is_white(levels: Levels) -> bool:
    pixels = int(levels.sum())
    return pixels > 0 and int(levels[_WHITE_LEVEL:].sum()) >= _WHITE_SHARE * pixels
