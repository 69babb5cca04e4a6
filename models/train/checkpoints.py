"""Keeps a training's weights after every epoch, so that an interrupted run goes on from there."""

import json
from pathlib import Path
from typing import Any


def save(network: Any, folder: Path, done_epochs: int) -> None:
    """Write weights and the number of finished epochs."""
    network.save_weights(folder / "epoch.weights.h5")
    (folder / "epoch.json").write_text(json.dumps({"done_epochs": done_epochs}))


def restore(network: Any, folder: Path) -> int:
    """Load the last weights if there are any; return how many epochs they have seen.

    The optimiser starts anew: its momentum recovers within some dozen steps.
    """
    note = folder / "epoch.json"
    if not note.exists():
        return 0
    network.load_weights(folder / "epoch.weights.h5")
    return int(json.loads(note.read_text())["done_epochs"])
