"""Trains the fire network's tail on cached views; keeps every epoch and goes on after the last."""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from models.train import checkpoints, descent
from models.train.fire_choice import Judge
from models.train.fire_network import UPPER_FROM, FireNetwork
from models.train.fire_store import Batch, Store

_BATCH = 24
_RATES = {"lower": 1e-4, "upper": 3e-4, "out": 1e-3}
_ALONE_STEPS = 200  # the heads first: before they know anything they only spoil the blocks
_WARM_STEPS = 150  # of the blocks, after that
_MIXED = 0.5  # share of the views that another one is mixed into: both labels count by their share
_MIX_SHAPE = 0.4  # of the beta distribution of the shares: most near 0
_STEEPEST = 1.0
_SMOOTHED = 0.02  # labels are this far from 0 and 1: some are wrong
_CELL_SHARE = 0.5  # weight of the cell map in the loss
_CELL_BURNING = 3.0  # a burning cell counts as three: most cells never burn
_log = logging.getLogger("train.fire")


class Training:
    """The network, its optimiser and the running mean of its weights."""

    def __init__(self, folder: Path, epochs: int, seed: int) -> None:
        """Begin with ImageNet's weights; `folder` keeps what a stopped run needs to go on."""
        self._folder, self._epochs, self._seed = folder, epochs, seed
        self._epoch, self._pace, self._fresh = 0, 1.0, True
        self._network = FireNetwork().to(memory_format=torch.channels_last)
        self._mean = FireNetwork().to(memory_format=torch.channels_last).eval()
        self._mean.load_state_dict(self._network.state_dict())
        groups: dict[str, list[Any]] = {part: [] for part in _RATES}
        for name, layer in self._network.layers.items():
            groups[_part(name)] += [p for p in layer.parameters() if p.requires_grad]
        self._trunk = groups["lower"] + groups["upper"]
        rates = [{"params": groups[part], "peak": rate} for part, rate in _RATES.items()]
        self._rule = torch.optim.AdamW(rates, weight_decay=1e-2, fused=True)
        self._parts = {"network": self._network, "mean": self._mean, "rule": self._rule}

    def start_from(self, network: FireNetwork) -> None:
        """Begin with an earlier training's weights and at half the pace."""
        self._network.load_state_dict(network.state_dict())
        self._mean.load_state_dict(network.state_dict())
        self._pace, self._fresh = 0.5, False

    def run(self, opened: Callable[[], Store], judge: Judge) -> FireNetwork:
        """Train what is left; return the mean weights of the last steps.

        Every epoch is judged on the held-out pictures, but none is chosen: what tells them apart
        there is a handful of pictures.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._epoch = checkpoints.restore(self._folder, self._parts)
        store = opened() if self._epoch < self._epochs else None
        while store is not None and self._epoch < self._epochs:
            self._network.train()
            descent.run_epoch(store, _BATCH, self._epoch, self._seed, self._learn)
            self._epoch += 1
            figure = judge.figure(self._mean)
            _log.info("after epoch %s: AP of an alarm held out %.4f", self._epoch, figure)
            checkpoints.save(self._folder, self._epoch, self._parts)
        return self._mean

    def _learn(self, batch: Batch, step: int, steps: int) -> float:
        self._set_rates(step, steps * self._epochs)
        shares, other = _mixing(len(batch["label"]))
        features = torch.lerp(batch["features"], batch["features"][other], shares)
        with torch.autocast("cpu", torch.bfloat16):
            logits, cells = self._network(features)
        loss = _loss(logits, cells, batch, 1 - shares)
        loss = loss + _loss(logits, cells, {n: c[other] for n, c in batch.items()}, shares)
        return descent.take_step(
            loss, self._rule, self._network, self._mean, step=step, steepest=_STEEPEST
        )

    def _set_rates(self, step: int, steps: int) -> None:
        """Set the rates: half a cosine, the blocks' after a pause and a short rise."""
        share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps))
        alone = _ALONE_STEPS if self._fresh else 0
        rise = min(1.0, max(0, step + 1 - alone) / _WARM_STEPS)
        for parameter in self._trunk:
            parameter.requires_grad_(step >= alone)
        for part, group in zip(_RATES, self._rule.param_groups, strict=True):
            group["lr"] = group["peak"] * share * self._pace * (1 if part == "out" else rise)


def halfway(one: FireNetwork, other: FireNetwork) -> FireNetwork:
    """Return the network with the mean of two trainings' weights, one begun from the other."""
    mean = FireNetwork().to(memory_format=torch.channels_last).eval()
    its = other.state_dict()
    mean.load_state_dict({n: (own + its[n]) / 2 for n, own in one.state_dict().items()})
    return mean


def losses(network: FireNetwork, store: Store) -> Any:
    """Return for each cached view how wrong the picture's logits are, (n,)."""
    network.eval()
    found = []
    for at in range(0, len(store), _BATCH):
        batch = store.batch(np.arange(at, min(at + _BATCH, len(store))))
        with torch.inference_mode():
            logits, _ = network(batch["features"])
        each = functional.binary_cross_entropy_with_logits(
            logits, batch["label"], reduction="none"
        )
        found.append((each * batch["label_weight"]).sum(1))
    return torch.cat(found).numpy()


def _part(layer: str) -> str:
    """Return the part of the network, as `_RATES` names it, that a layer belongs to."""
    if layer.startswith("out_"):
        return "out"
    below = layer != "head" and int(layer[1 : layer.index("_")]) < UPPER_FROM
    return "lower" if below else "upper"


def _mixing(views: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which share (n, 1, 1, 1) each view takes of which other view of the batch."""
    both = torch.full((views,), _MIX_SHAPE)
    shares = torch.distributions.Beta(both, both).sample()
    shares = torch.minimum(shares, 1 - shares) * (torch.rand(views) < _MIXED)
    return shares[:, None, None, None], torch.randperm(views)


def _loss(logits: Any, cells: Any, batch: Batch, shares: torch.Tensor) -> Any:
    """Return the loss of a batch of which each view counts by its share."""
    burning, cell_weight = (batch[name].permute(0, 3, 1, 2) for name in ("cells", "cells_weight"))
    cell_weight = cell_weight * (1 + (_CELL_BURNING - 1) * burning)
    smooth = batch["label"] * (1 - 2 * _SMOOTHED) + _SMOOTHED
    picture = _masked(smooth, logits, batch["label_weight"], shares[:, :, 0, 0])
    return picture + _CELL_SHARE * _masked(burning, cells, cell_weight, shares)


def _masked(truth: Any, logits: Any, weight: Any, shares: torch.Tensor) -> Any:
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (each * weight * shares).sum() / (weight.sum() + 1e-6)
