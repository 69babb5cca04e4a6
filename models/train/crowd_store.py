"""Views of the training pictures, through the frozen part once and kept on disk in pieces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.train import pieces
from models.train.crowd_patches import Columns
from models.train.crowd_pictures import Sample
from models.train.crowd_views import Make
from models.train.lower import Lower

_TARGETS = ("density", "peaks", "marked")
_COLUMNS = ("steps", *_TARGETS)


def fill(plan: Sequence[Make], lower: Lower, folder: Path) -> list[Path]:
    """Make the pieces of a plan that are not in the folder yet; return all of them."""

    def columns(samples: list[Sample]) -> dict[str, Any]:
        return {
            "steps": np.stack([lower.steps(s.picture) for s in samples]),
            "density": np.stack([s.density.astype(np.float16) for s in samples]),
            "peaks": np.stack([s.peaks.astype(np.float16) for s in samples]),
            "marked": np.array([s.marked for s in samples], np.float32),
        }

    return pieces.fill(plan, columns, folder)


class Store:
    """Features and targets of cached views, in memory."""

    def __init__(self, paths: list[Path], lower: Lower) -> None:
        """Read the pieces that `fill()` made."""
        parts: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        for path in paths:
            with np.load(path) as piece:
                for name, column in parts.items():
                    column.append(piece[name])
        self._parts, self._lower = parts, lower
        self._count = sum(len(part) for part in parts["marked"])

    def __len__(self) -> int:
        return self._count

    def batch(self, numbers: Any) -> dict[str, Any]:
        """Return features (n, channels, rows, columns) and targets of some views as tensors."""
        return self.tensors(self.columns(numbers))

    def columns(self, numbers: Any) -> Columns:
        """Return `steps` of features (n, rows, columns, channels) and targets, copied."""
        at = [divmod(int(number), pieces.VIEWS) for number in numbers]
        return {
            name: np.stack([parts[piece][place] for piece, place in at])
            for name, parts in self._parts.items()
        }

    def tensors(self, columns: Columns) -> dict[str, Any]:
        """Turn what `columns()` gave into a batch."""
        batch = {name: torch.from_numpy(columns[name]).float() for name in _TARGETS}
        return batch | {"features": self._lower.features(columns["steps"])}
