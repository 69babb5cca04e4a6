"""What held-out pictures tell: how far a training is, and where the thresholds stand."""

import math
from typing import Any

import numpy as np
import torch

from models.measures import average_precision
from models.rows import Row
from models.train import fire_pictures as pictures
from models.train.fire_network import FireNetwork
from models.train.lower import Lower
from models.train.rounding import Judge as Seen

MIDDLE = 0.85
"""Score of the exported file that 0.93 of the held-out views of each kind reach."""
_REACHED = 0.93
_FOUND = {"fire": 0.95, "smoke": 0.93}  # smoke alone is never more than suspected
_VIEWS = 3  # of each held-out picture, in other light, beside the plain one
_BATCH = 24


class Judge:
    """The held-out pictures, through the frozen part once."""

    def __init__(self, lower: Lower, rows: list[Row]) -> None:
        """Make the plain and some weathered views of every row; the same each time."""
        samples = [sample for number, row in enumerate(rows) for sample in _views(row, number)]
        self._shown = [sample.picture for sample in samples]
        self._labels = np.stack([sample.label > 0 for sample in samples])
        self._known = np.stack([sample.label_weight > 0 for sample in samples])
        self._burning = self._labels.any(axis=1)
        self._lower = lower
        self._steps = np.stack([lower.steps(picture) for picture in self._shown])

    def figure(self, network: FireNetwork) -> float:
        """Return the average precision of an alarm, the tail in real numbers."""
        strongest = self._logits(network).max(axis=1)
        return average_precision(strongest.tolist(), list(self._burning)) or 0.0

    def edges(self, network: FireNetwork) -> list[float]:
        """Return for each kind the logit that 0.93 of its views reach."""
        logits, own = self._logits(network), self._labels & self._known
        return [
            float(np.quantile(logits[own[:, index], index], 1 - _REACHED))
            for index in range(len(pictures.KINDS))
        ]

    def thresholds(self, seen: Seen) -> dict[str, float]:
        """Return each kind's threshold for the 8-bit file, with the rates that they give.

        Not from the normal views: a city's cameras show what no list of normal pictures holds, so
        a threshold is as high as the fires allow. `seen` is the file as the gateway runs it.
        """
        judged = [seen(picture) for picture in self._shown]
        scores, own = np.array([(o.fire, o.smoke) for o in judged]), self._labels & self._known
        chosen = {}
        for index, (kind, share) in enumerate(_FOUND.items()):
            edge = float(np.quantile(scores[own[:, index], index], 1 - share))
            chosen[f"{kind}_threshold"] = math.floor(edge * 100) / 100
        alarms = (scores >= list(chosen.values())).any(axis=1)
        return chosen | {
            "held_out_recall": round(float(alarms[self._burning].mean()), 4),
            "held_out_false_alarms": round(float(alarms[~self._burning].mean()), 4),
        }

    def _logits(self, network: FireNetwork) -> Any:
        network.eval()
        with torch.inference_mode():
            parts = [
                network(self._lower.features(self._steps[at : at + _BATCH]))[0]
                for at in range(0, len(self._steps), _BATCH)
            ]
        return torch.cat(parts).numpy()


def _views(row: Row, number: int) -> list[pictures.Sample]:
    scene, draw = pictures.scene_of(row), np.random.default_rng(number)
    return [pictures.plain(scene), *(pictures.whole(scene, draw) for _ in range(_VIEWS))]
