"""People in a zone of the picture: the density map cut by a polygon, smoothed over time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.errors import ConfigError
from haidang_gateway.vision.masks import inside

Point = tuple[float, float]
Grid = NDArray[np.float32]

_SUBCELLS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """People in the zone with the interval; persons per m2 where the area is known."""

    count: float
    low: float
    high: float
    density_m2: float | None


def zone_mask(polygon: Sequence[Point], rows: int, columns: int) -> Grid:
    """Share 0..1 of each cell of a rows x columns grid that lies in `polygon` (picture 0..1)."""
    fine_y = (np.arange(rows * _SUBCELLS) + 0.5) / (rows * _SUBCELLS)
    fine_x = (np.arange(columns * _SUBCELLS) + 0.5) / (columns * _SUBCELLS)
    x, y = np.meshgrid(fine_x, fine_y)
    blocks = inside(polygon, x, y).reshape(rows, _SUBCELLS, columns, _SUBCELLS)
    mask: Grid = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mask


class ZoneCount:
    """Counts one zone: cuts the density map, keeps the median of the last `smooth` pictures."""

    def __init__(
        self, polygon: Sequence[Point], *, area_m2: float | None = None, smooth: int = 5
    ) -> None:
        """`area_m2` is the ground's area inside the polygon; None gives no density.

        ConfigError for a polygon of fewer than three points.
        """
        if len(polygon) < 3:
            raise ConfigError(("crowd zone: the polygon needs at least three points",))
        self._polygon = tuple(polygon)
        self._area_m2 = area_m2
        self._recent: deque[tuple[float, float, float]] = deque(maxlen=smooth)
        self._mask: Grid | None = None

    def see(self, density: Grid, *, low_share: float, high_share: float) -> Estimate:
        """Add one density map (sum = people in the picture).

        `low_share` and `high_share` are the whole picture's interval as shares of its count.
        """
        if self._mask is None or self._mask.shape != density.shape:
            self._mask = zone_mask(self._polygon, *density.shape)
        count = max(0.0, float((density * self._mask).sum()))
        self._recent.append((count, count * low_share, count * high_share))
        middle = median(c for c, _, _ in self._recent)
        return Estimate(
            count=round(middle, 1),
            low=round(min(middle, median(v for _, v, _ in self._recent)), 1),
            high=round(max(middle, median(v for _, _, v in self._recent)), 1),
            density_m2=None if self._area_m2 is None else round(middle / self._area_m2, 3),
        )
