"""One picture of a camera: all that is made of it is made when it is asked for."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

Form = Literal["gray", "rgb24", "yuv420p"]

_MAX_WIDTH = 1024
_LUMA_WIDTH = 160


class Make(Protocol):
    """Makes a picture of that size and form out of the decoded one, with its masks."""

    def __call__(self, width: int, height: int, form: Form) -> Picture: ...


class Frame:
    """One picture of `width` x `height` at its source.

    `number` counts decoded frames from 1; `at_ms` is the time of decoding (in `frames()`: the time
    in the file). Privacy masks are black in all that is made of it. Each size is made in one step
    from the decoded picture: a large one is never converted for a small one's sake.
    """

    __slots__ = ("_luma", "_make", "_rgb", "at_ms", "height", "number", "width")

    def __init__(self, *, number: int, at_ms: int, width: int, height: int, make: Make) -> None:
        """Store only."""
        self.number, self.at_ms = number, at_ms
        self.width, self.height = width, height
        self._make = make
        self._luma: Picture | None = None
        self._rgb: Picture | None = None

    @property
    def luma(self) -> Picture:
        """Its brightness, at most 160 wide."""
        if self._luma is None:
            self._luma = self._make(*bounded(self.width, self.height, _LUMA_WIDTH), "gray")
        return self._luma

    @property
    def rgb(self) -> Picture:
        """Height x width x 3, at most 1024 wide: for people to look at."""
        if self._rgb is None:
            self._rgb = self._make(*bounded(self.width, self.height, _MAX_WIDTH), "rgb24")
        return self._rgb

    def sized(self, width: int, height: int) -> Picture:
        """Height x width x 3, proportions not kept: for a network."""
        return self._make(width, height, "rgb24")

    def planes(self, width: int) -> Picture:
        """At most `width` wide as decoders have it: brightness, then both colours at half size.

        1.5 height x width bytes (yuv420p), even numbers both: half the memory of `rgb`.
        """
        wide, high = bounded(self.width, self.height, width)
        return self._make(max(2, wide // 2 * 2), max(2, high // 2 * 2), "yuv420p")


def bounded(width: int, height: int, limit: int) -> tuple[int, int]:
    """The size at most `limit` wide in the same proportions."""
    if width <= limit:
        return width, height
    return limit, max(2, height * limit // width)
