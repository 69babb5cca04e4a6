"""Where people are few each is found by the peak of their head, where they are many by density."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]

_TIE = 1e-3  # less than a step of the 8-bit answer


def people_map(
    seen: Grid,
    tile: tuple[int, int],
    *,
    peak_least: float,
    sparse_below: float,
    dense_from: float,
) -> Grid:
    """Return people per cell out of a network's answers (rows x columns x 1 or 2).

    Channel 0 is density, channel 1 how surely a head lies in the cell; `tile` is the size in cells
    of what the network saw at once. In tiles with fewer than `sparse_below` people the peaks from
    `peak_least` on count one each, in those with more than `dense_from` the density; between them
    a share of both.
    """
    density = seen[..., 0]
    if seen.shape[-1] == 1:
        return density
    share = _share((dense_from - _crowd(density, tile)) / (dense_from - sparse_below))
    found = peaks(seen[..., 1], peak_least)
    chosen: Grid = (share * found + (1.0 - share) * density).astype(np.float32)
    return chosen


def peaks(sure: Grid, least: float) -> Grid:
    """Return 1 in each cell that is surer than its eight neighbours and at least `least`."""
    rows, columns = sure.shape
    # Neighbours that are as sure as each other would else count twice.
    ranked = sure + _ties(rows, columns)
    around = np.full((rows + 2, columns + 2), -1.0, ranked.dtype)
    around[1:-1, 1:-1] = ranked
    tall = np.maximum(np.maximum(around[:-2], around[1:-1]), around[2:])
    best = np.maximum(np.maximum(tall[:, :-2], tall[:, 1:-1]), tall[:, 2:])
    found: Grid = ((ranked >= best) & (sure >= least)).astype(np.float32)
    return found


@lru_cache(maxsize=4)
def _ties(rows: int, columns: int) -> Grid:
    ties = np.linspace(_TIE, 0.0, rows * columns, dtype=np.float32).reshape(rows, columns)
    ties.setflags(write=False)
    return ties


def _share(value: Grid | float) -> Grid | float:
    if isinstance(value, float):
        return min(1.0, max(0.0, value))
    share: Grid = np.clip(value, 0.0, 1.0)
    return share


def _crowd(density: Grid, tile: tuple[int, int]) -> Grid | float:
    """Return how many people are in a tile: for each cell, or at once where there is one tile."""
    rows, columns = density.shape
    if tile == (rows, columns):
        return float(density.sum())
    down, across = np.arange(0, rows, tile[0]), np.arange(0, columns, tile[1])
    sums = np.add.reduceat(np.add.reduceat(density, down, axis=0), across, axis=1)
    spread: Grid = sums.repeat(tile[0], axis=0)[:rows].repeat(tile[1], axis=1)[:, :columns]
    return spread
