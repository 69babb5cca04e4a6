"""From picture to ground: a homography from four measured points gives metres and areas."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.errors import ConfigError

Point = tuple[float, float]


class Ground:
    """Maps picture points (0..1) to metres on the ground plane."""

    def __init__(self, picture: Sequence[Point], metres: Sequence[Point]) -> None:
        """Solve from four pairs; ConfigError for three on one line or a crossed order."""
        if len(picture) != 4 or len(metres) != 4:
            raise ConfigError(("ground: exactly four points and their four positions are needed",))
        for name, points in (("picture", picture), ("ground", metres)):
            if _smallest_triangle(points) < 1e-6:
                raise ConfigError(
                    (f"ground: three of the {name} points lie on one line; measure other points",)
                )
        self._matrix = _solve(picture, metres)
        for point in picture:
            self.to_metres(point)

    def to_metres(self, point: Point) -> Point:
        """Position on the ground; ConfigError for a point on or above the horizon."""
        x, y, w = (float(v) for v in self._matrix @ np.array([point[0], point[1], 1.0]))
        if w <= 1e-9:
            raise ConfigError((f"ground: the picture point {point} is not on the ground",))
        return x / w, y / w

    def area_m2(self, polygon: Sequence[Point]) -> float:
        """Area of a picture polygon on the ground."""
        return polygon_area([self.to_metres(point) for point in polygon])


def polygon_area(points: Sequence[Point]) -> float:
    """Area by the shoelace rule, in the square of the points' unit."""
    ring = zip(points, [*points[1:], points[0]], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in ring)) / 2


def _smallest_triangle(points: Sequence[Point]) -> float:
    return min(polygon_area([p for j, p in enumerate(points) if j != i]) for i in range(4))


def _solve(picture: Sequence[Point], metres: Sequence[Point]) -> NDArray[np.float64]:
    rows = []
    for (x, y), (u, v) in zip(picture, metres, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    _, _, turned = np.linalg.svd(np.array(rows))
    matrix: NDArray[np.float64] = turned[-1].reshape(3, 3)
    # The measured points themselves lie in front of the camera: they fix the sign.
    depth = float(matrix[2] @ np.array([picture[0][0], picture[0][1], 1.0]))
    return matrix if depth > 0 else -matrix
