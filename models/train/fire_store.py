"""Views of the training pictures, through the frozen part once and kept on disk in pieces."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.train import pieces
from models.train.fire_pictures import Sample
from models.train.fire_views import Make
from models.train.lower import Lower

_TARGETS = ("label", "label_weight", "cells", "cells_weight")
_COLUMNS = ("steps", *_TARGETS)
Batch = dict[str, Any]


def fill(plan: list[Make], lower: Lower, folder: Path) -> list[Path]:
    """Make the pieces of a plan that are not in the folder yet; return all of them."""

    def columns(samples: list[Sample]) -> dict[str, Any]:
        made = {n: np.stack([getattr(s, n) for s in samples]) for n in _TARGETS}
        return made | {"steps": np.stack([lower.steps(s.picture) for s in samples])}

    return pieces.fill(plan, columns, folder)


class Store:
    """Features and targets of cached views, in memory."""

    def __init__(
        self, paths: list[Path], lower: Lower, *, some: Mapping[Path, Any] | None = None
    ) -> None:
        """Read the pieces that `fill()` made; of those in `some` only the views it names."""
        parts: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        for path, chosen in [*((path, slice(None)) for path in paths), *(some or {}).items()]:
            with np.load(path) as piece:
                for name, column in parts.items():
                    column.append(piece[name][chosen])
        self._columns = {name: np.concatenate(column) for name, column in parts.items()}
        self._lower = lower

    def __len__(self) -> int:
        return len(self._columns["label"])

    def batch(self, numbers: Any) -> Batch:
        """Return features (n, channels, rows, columns) and targets of some views as tensors."""
        batch = {name: torch.from_numpy(self._columns[name][numbers]) for name in _TARGETS}
        return batch | {"features": self._lower.features(self._columns["steps"][numbers])}
