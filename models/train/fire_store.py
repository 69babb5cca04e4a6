"""Views of the training pictures, through the frozen part once and kept on disk in pieces."""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.train.fire_network import Lower
from models.train.fire_views import Make

_TARGETS = ("label", "label_weight", "cells", "cells_weight")
_COLUMNS = ("steps", *_TARGETS)
_PIECE = 512  # views in a file
_log = logging.getLogger("train.fire")
Batch = dict[str, Any]


def fill(plan: list[Make], lower: Lower, folder: Path) -> list[Path]:
    """Make the pieces of a plan that are not in the folder yet; return all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = []
    began_s, made = time.monotonic(), 0
    for at in range(0, len(plan), _PIECE):
        path = folder / f"views-{at:06}.npz"
        if not path.exists():
            samples = [make() for make in plan[at : at + _PIECE]]
            columns = {n: np.stack([getattr(s, n) for s in samples]) for n in _TARGETS}
            columns["steps"] = np.stack([lower.steps(s.picture) for s in samples])
            np.savez(path.with_suffix(".new.npz"), **columns)
            path.with_suffix(".new.npz").replace(path)
            made += len(samples)
            left_s = (time.monotonic() - began_s) / made * (len(plan) - at - len(samples))
            _log.info("%s: %s of %s views, %.0f s left", folder.name, at + len(samples),
                      len(plan), left_s)  # fmt: skip
        pieces.append(path)
    return pieces


class Store:
    """Features and targets of cached views, in memory."""

    def __init__(
        self, pieces: list[Path], lower: Lower, *, thinned: list[Path] | None = None
    ) -> None:
        """Read the pieces that `fill()` made, of those in `thinned` every other view."""
        parts: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        steps = [*((path, 1) for path in pieces), *((path, 2) for path in thinned or ())]
        for path, step in steps:
            with np.load(path) as piece:
                for name, column in parts.items():
                    column.append(piece[name][::step])
        self._columns = {name: np.concatenate(column) for name, column in parts.items()}
        self._lower = lower

    def __len__(self) -> int:
        return len(self._columns["label"])

    def batch(self, numbers: Any) -> Batch:
        """Return features (n, channels, rows, columns) and targets of some views as tensors."""
        batch = {name: torch.from_numpy(self._columns[name][numbers]) for name in _TARGETS}
        return batch | {"features": self._lower.features(self._columns["steps"][numbers])}
