"""Polygons as pixels: privacy masks are burned in before a picture is stored, shown or judged."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Polygon = Sequence[Point]
Pixels = NDArray[np.uint8]
Inside = NDArray[np.bool_]
Where = NDArray[np.float64]

_BLACK = 0
_NO_COLOUR = 128
_MOST_SIZES = 8


class Masks:
    """Polygons in picture coordinates 0..1; their pixels are made once for each size."""

    def __init__(self, polygons: Sequence[Polygon] = ()) -> None:
        """Store the polygons."""
        self._polygons = tuple(tuple(polygon) for polygon in polygons)
        self._made: dict[tuple[int, int], Inside] = {}

    def __bool__(self) -> bool:
        """Whether anything is hidden at all."""
        return bool(self._polygons)

    def inside(self, height: int, width: int) -> Inside:
        """Return which pixels are hidden: every pixel that a polygon touches with its centre."""
        size = (height, width)
        if size not in self._made:
            # A camera has a handful of sizes; one that changes them for ever must not pile up.
            if len(self._made) >= _MOST_SIZES:
                self._made.clear()
            self._made[size] = hidden_pixels(self._polygons, height, width)
        return self._made[size]

    def burn(self, pixels: Pixels) -> None:
        """Blacken the hidden pixels of a picture (height x width, or with channels) in place."""
        if self._polygons:
            pixels[self.inside(*pixels.shape[:2])] = _BLACK

    def burn_planes(self, planes: Pixels) -> None:
        """Blacken the hidden pixels of a yuv420p picture (1.5 height x width) in place."""
        if not self._polygons:
            return
        height, width = planes.shape[0] * 2 // 3, planes.shape[1]
        planes[:height][self.inside(height, width)] = _BLACK
        colours = planes[height:].reshape(2, height // 2, width // 2)
        colours[:, self.inside(height // 2, width // 2)] = _NO_COLOUR


def hidden_pixels(polygons: Sequence[Polygon], height: int, width: int) -> Inside:
    """Return which pixel centres lie in any of the polygons, with one pixel of margin around."""
    y, x = np.mgrid[0:height, 0:width]
    x, y = (x + 0.5) / width, (y + 0.5) / height
    hidden = np.zeros((height, width), dtype=bool)
    for polygon in polygons:
        hidden |= inside(polygon, x, y)
    return _grown(hidden)


def inside(polygon: Polygon, x: Where, y: Where) -> Inside:
    """Return which of the points (x, y) lie in a polygon, by the parity of its crossings."""
    # Below a millionth of a picture there are no pixels, only numbers that overflow.
    ring = [(round(px, 6), round(py, 6)) for px, py in polygon]
    within = np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if ay != by:
            crosses = (ay > y) != (by > y)
            within ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return within


def _grown(hidden: Inside) -> Inside:
    """Take the neighbours too: making a picture smaller mixes them with what is hidden."""
    padded = np.pad(hidden, 1)
    grown: Inside = (
        padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | hidden
    )
    return grown
