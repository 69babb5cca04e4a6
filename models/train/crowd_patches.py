"""Puts people of one frame of a fixed camera into another, anew each time a view is shown.

What a camera's other hours bring are other people in other groups at the same places; without this
a network learns by heart who stood where. The parts are moved as features: blocks 0-4 see a few
cells around each, so their seams are faint, and nothing has to be looked at again.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

_HOW_OFTEN = 0.75
_MOST_PARTS = 8
_LARGE = 0.35  # of the parts are pieces of the scene, the others single people or pairs
_BESIDE = 0.6  # of these stand beside somebody
_LARGE_CELLS = (8, 32)
_HEAD = 0.999  # of a peak's map: the middle of a head lies in the cell
_ABOVE_CELLS, _HALF_CELLS, _BODY_CELLS = 2, (2, 5), (4, 12)
_BESIDE_ROWS, _BESIDE_COLUMNS = 4, 4

Columns = dict[str, Any]
Random = np.random.Generator
Part = tuple[tuple[int, int, int, int], tuple[int, int]]


class Store(Protocol):
    """Cached views by number: `steps` of features, `density`, `peaks`, `marked`."""

    def __len__(self) -> int: ...

    def columns(self, numbers: Any) -> Columns: ...

    def tensors(self, columns: Columns) -> dict[str, Any]: ...


class Patched:
    """Views of a store; `frames` are those of one fixed camera's whole frames."""

    def __init__(self, store: Store, frames: Sequence[int], draw: Random) -> None:
        """Store only."""
        self._store, self._frames, self._draw = store, list(frames), draw
        self._among = frozenset(frames)

    def __len__(self) -> int:
        return len(self._store)

    def batch(self, numbers: Any) -> dict[str, Any]:
        """Return the store's batch; most of its frames with parts of others in them."""
        columns = self._store.columns(numbers)
        for place, number in enumerate(numbers):
            if int(number) in self._among and self._draw.random() < _HOW_OFTEN:
                for _ in range(int(self._draw.integers(1, _MOST_PARTS + 1))):
                    other = self._frames[int(self._draw.integers(len(self._frames)))]
                    put_in(columns, place, self._store.columns([other]), self._draw)
        return self._store.tensors(columns)


def put_in(columns: Columns, place: int, other: Columns, draw: Random) -> None:
    """Put a part of a frame, chosen by chance, with its people into the view at `place`.

    It stays about as high in the picture: there people are as tall.
    """
    if draw.random() < _LARGE:
        part: Part | None = _piece(other["peaks"][0].shape, draw)
    else:
        part = _somebody(columns["peaks"][place], other["peaks"][0], draw)
    if part is None:
        return
    (top, left, high, wide), (row, column) = part
    for name in ("steps", "density", "peaks"):
        new = other[name][0, top : top + high, left : left + wide]
        columns[name][place, row : row + high, column : column + wide] = new


def _piece(shape: tuple[int, int], draw: Random) -> Part:
    """Return top, left, height and width of a large piece, and where it goes: beside its place."""
    rows, columns = shape
    high, wide = (int(draw.integers(*_LARGE_CELLS)) for _ in range(2))
    top, left = int(draw.integers(rows - high)), int(draw.integers(columns - wide))
    return (top, left, high, wide), (top, int(draw.integers(columns - wide)))


def _somebody(mine: Any, theirs: Any, draw: Random) -> Part | None:
    """Return one of their heads with what is below it, and a place for it; None: nobody there."""
    heads = np.argwhere(theirs > _HEAD)
    if not len(heads):
        return None
    rows, columns = theirs.shape
    y, x = (int(at) for at in heads[draw.integers(len(heads))])
    half, down = int(draw.integers(*_HALF_CELLS)), int(draw.integers(*_BODY_CELLS))
    top, left = max(0, y - _ABOVE_CELLS), max(0, x - half)
    high, wide = min(rows, y + down) - top, min(columns, x + half + 1) - left
    column = int(draw.integers(columns - wide))
    others = np.argwhere(mine > _HEAD)
    near = others[np.abs(others[:, 0] - y) <= _BESIDE_ROWS]
    if len(near) and draw.random() < _BESIDE:
        beside = int(near[draw.integers(len(near))][1])
        shift = int(draw.integers(-_BESIDE_COLUMNS, _BESIDE_COLUMNS + 1))
        column = min(max(0, beside + shift - half), columns - wide)
    row = min(max(0, top + int(draw.integers(-1, 2))), rows - high)
    return (top, left, high, wide), (row, column)
