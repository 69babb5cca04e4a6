"""Views of the training pictures, through the frozen part once and kept on disk in pieces."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.train.crowd_views import Make
from models.train.lower import Lower

_TARGETS = ("density", "peaks", "marked")
_COLUMNS = ("steps", *_TARGETS)
_PIECE = 512  # views in a file
_log = logging.getLogger("train.crowd")


def fill(plan: Sequence[Make], lower: Lower, folder: Path) -> list[Path]:
    """Make the pieces of a plan that are not in the folder yet; return all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = []
    began_s, made = time.monotonic(), 0
    for at in range(0, len(plan), _PIECE):
        path = folder / f"views-{at:06}.npz"
        if not path.exists():
            samples = [make() for make in plan[at : at + _PIECE]]
            columns = {
                "steps": np.stack([lower.steps(s.picture) for s in samples]),
                "density": np.stack([s.density.astype(np.float16) for s in samples]),
                "peaks": np.stack([s.peaks.astype(np.float16) for s in samples]),
                "marked": np.array([s.marked for s in samples], np.float32),
            }
            np.savez(path.with_suffix(".new.npz"), **columns)
            path.with_suffix(".new.npz").replace(path)
            made += len(samples)
            left_s = (time.monotonic() - began_s) / made * (len(plan) - at - len(samples))
            _log.info("%s of %s views, %.0f s left", at + len(samples), len(plan), left_s)
        pieces.append(path)
    return pieces


class Store:
    """Features and targets of cached views, in memory."""

    def __init__(self, pieces: list[Path], lower: Lower) -> None:
        """Read the pieces that `fill()` made."""
        parts: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        for path in pieces:
            with np.load(path) as piece:
                for name, column in parts.items():
                    column.append(piece[name])
        self._parts, self._lower = parts, lower
        self._count = sum(len(part) for part in parts["marked"])

    def __len__(self) -> int:
        return self._count

    def batch(self, numbers: Any) -> dict[str, Any]:
        """Return features (n, channels, rows, columns) and targets of some views as tensors."""
        at = [divmod(int(number), _PIECE) for number in numbers]
        columns = {
            name: np.stack([parts[piece][place] for piece, place in at])
            for name, parts in self._parts.items()
        }
        batch = {name: torch.from_numpy(columns[name]).float() for name in _TARGETS}
        return batch | {"features": self._lower.features(columns["steps"])}
