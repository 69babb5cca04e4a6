"""Views kept on disk in pieces, so that a stopped run makes none of them twice."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

VIEWS = 512  # in a piece
_Sample = TypeVar("_Sample")
_log = logging.getLogger("train")


def fill(
    plan: Sequence[Callable[[], _Sample]],
    columns: Callable[[list[_Sample]], dict[str, Any]],
    folder: Path,
) -> list[Path]:
    """Make the pieces of a plan that are not in the folder yet; return all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = []
    began_s, made = time.monotonic(), 0
    for at in range(0, len(plan), VIEWS):
        path = folder / f"views-{at:06}.npz"
        if not path.exists():
            samples = [make() for make in plan[at : at + VIEWS]]
            np.savez(path.with_suffix(".new.npz"), **columns(samples))
            path.with_suffix(".new.npz").replace(path)
            made += len(samples)
            left_s = (time.monotonic() - began_s) / made * (len(plan) - at - len(samples))
            _log.info("%s: %s of %s views, %.0f s left", folder.name, at + len(samples),
                      len(plan), left_s)  # fmt: skip
        pieces.append(path)
    return pieces
