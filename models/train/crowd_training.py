"""Trains the crowd network's tail on cached views; keeps every epoch, goes on after the last."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from models.train import checkpoints, descent
from models.train.crowd_loss import loss
from models.train.crowd_network import Tail
from models.train.crowd_store import Store

_BATCH = 8
_RATE, _HEAD_RATE = 4e-4, 1.5e-3
_WARM_STEPS = 200
_STEEPEST = 4.0
_LATER = 0.4  # of the first rates, in the epochs that follow


class Training:
    """The network, its optimiser and the running mean of its weights."""

    def __init__(self, folder: Path, epochs: int, seed: int) -> None:
        """Begin with ImageNet's weights; `folder` keeps what a stopped run needs to go on."""
        self._folder, self._epochs, self._seed = folder, epochs, seed
        self._epoch = self._later = 0
        torch.manual_seed(seed)
        self._network = Tail().to(memory_format=torch.channels_last)
        self._mean = Tail().to(memory_format=torch.channels_last).eval()
        self._mean.load_state_dict(self._network.state_dict())
        named = list(self._network.named_parameters())
        heads = [p for name, p in named if "out_" in name]
        trunk = [p for name, p in named if "out_" not in name]
        groups = [{"params": trunk, "peak": _RATE}, {"params": heads, "peak": _HEAD_RATE}]
        self._rule = torch.optim.AdamW(groups, weight_decay=1e-2, fused=True)
        self._parts = {"network": self._network, "mean": self._mean, "rule": self._rule}

    def run(self, store: Store, later: Iterable[descent.Store] = ()) -> Tail:
        """Train what is left; return the mean weights of the last steps.

        After the epochs on `store` follow slower ones, each on one of `later`.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._epoch = checkpoints.restore(self._folder, self._parts)
        shown = [store] * self._epochs + list(later)
        self._later = len(shown) - self._epochs
        while self._epoch < len(shown):
            descent.run_epoch(shown[self._epoch], _BATCH, self._epoch, self._seed, self._learn)
            self._epoch += 1
            checkpoints.save(self._folder, self._epoch, self._parts)
        return self._mean

    def _learn(self, batch: dict[str, Any], step: int, steps: int) -> float:
        first = steps * self._epochs
        if step < first:
            self._set_rates(step, first)
        else:
            self._set_rates(step - first, steps * self._later, _LATER)
        features = batch["features"].to(torch.bfloat16)
        with torch.autocast("cpu", torch.bfloat16):
            roots, heads = self._network(features.contiguous(memory_format=torch.channels_last))
        wrong = loss(roots, heads, batch)
        return descent.take_step(
            wrong, self._rule, self._network, self._mean, step=step, steepest=_STEEPEST
        )

    def _set_rates(self, step: int, steps: int, high: float = 1.0) -> None:
        """Set the rates: a short rise, then half a cosine."""
        rise = min(1.0, (step + 1) / min(_WARM_STEPS, 1 + steps // 10))
        share = high * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in self._rule.param_groups:
            group["lr"] = group["peak"] * share
