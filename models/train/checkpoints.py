"""What a stopped training needs to go on, in one file of its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

_NAME = "last.pt"


def save(folder: Path, epoch: int, parts: Mapping[str, Any]) -> None:
    """Keep the states of networks and optimiser after so many epochs, in place of the former."""
    state = {"epoch": epoch, **{name: part.state_dict() for name, part in parts.items()}}
    new = folder / f"{_NAME}.new"
    torch.save(state, new)
    new.replace(folder / _NAME)


def restore(folder: Path, parts: Mapping[str, Any]) -> int:
    """Give the parts the states last kept; return after how many epochs, 0 if none were."""
    path = folder / _NAME
    if not path.exists():
        return 0
    state: dict[str, Any] = torch.load(path, weights_only=False)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["epoch"])
