"""Arithmetic of resizing a picture that is there as an array."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Shares = NDArray[np.float32]


def taps(size: int, wanted: int) -> tuple[NDArray[np.intp], Shares]:
    """Return for each new pixel which old ones make it up and their shares (taps x wanted).

    Shrinking weighs by a triangle as wide as the step (what training used), growing interpolates.
    """
    step = size / wanted
    reach = max(1.0, step)
    centre = (np.arange(wanted) + 0.5) * step - 0.5
    at = np.floor(centre - reach).astype(np.intp) + 1 + np.arange(int(2 * reach) + 1)[:, None]
    shares = np.maximum(0.0, 1.0 - np.abs(at - centre) / reach)
    shares[(at < 0) | (at >= size)] = 0.0
    return np.clip(at, 0, size - 1), (shares / shares.sum(axis=0)).astype(np.float32)


def halved(rgb: Picture) -> Picture:
    """Each pixel the mean of four; a last odd row or column is left out."""
    rows, columns = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    # Whole rows first: they lie side by side in memory.
    pairs = np.add(rgb[0:rows:2, :columns], rgb[1:rows:2, :columns], dtype=np.uint16)
    total = pairs[:, 0::2] + pairs[:, 1::2]
    total += 2
    return (total >> 2).astype(np.uint8)
