"""Trains the crowd network's tail on cached views; keeps every epoch, goes on after the last."""

import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.train.crowd_loss import loss
from models.train.crowd_network import Tail
from models.train.crowd_store import Store

_BATCH = 8
_RATE, _HEAD_RATE = 4e-4, 1.5e-3
_WARM_STEPS = 200
_AVERAGED = 0.998  # share of the running mean of the weights that a step keeps
_STEEPEST = 4.0
_log = logging.getLogger("train.crowd")


class Training:
    """The network, its optimiser and the running mean of its weights."""

    def __init__(self, folder: Path, epochs: int, seed: int) -> None:
        """Begin with ImageNet's weights; `folder` keeps what a stopped run needs to go on."""
        self._folder, self._epochs, self._seed = folder, epochs, seed
        self._epoch = 0
        torch.manual_seed(seed)
        self._network = Tail().to(memory_format=torch.channels_last)
        self._mean = Tail().to(memory_format=torch.channels_last).eval()
        self._mean.load_state_dict(self._network.state_dict())
        named = list(self._network.named_parameters())
        heads = [p for name, p in named if "out_" in name]
        trunk = [p for name, p in named if "out_" not in name]
        groups = [{"params": trunk, "peak": _RATE}, {"params": heads, "peak": _HEAD_RATE}]
        self._rule = torch.optim.AdamW(groups, weight_decay=1e-2, fused=True)

    def run(self, store: Store) -> Tail:
        """Train what is left; return the mean weights of the last steps."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._restore()
        while self._epoch < self._epochs:
            self._run_epoch(store)
            self._save()
        return self._mean

    def _run_epoch(self, store: Store) -> None:
        torch.manual_seed(self._seed * 1000 + self._epoch)
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(store))
        steps, losses, began_s = len(store) // _BATCH, [], time.monotonic()
        for step in range(steps):
            self._set_rates(self._epoch * steps + step, steps * self._epochs)
            chosen = np.sort(order[step * _BATCH : (step + 1) * _BATCH])
            losses.append(self._learn(store.batch(chosen), self._epoch * steps + step))
            if step % 50 == 49:
                each_s = (time.monotonic() - began_s) / (step + 1)
                _log.info("epoch %s step %s/%s loss %.4f, %.0f s left of this epoch", self._epoch,
                          step + 1, steps, np.mean(losses[-50:]),
                          each_s * (steps - step - 1))  # fmt: skip
        self._epoch += 1

    def _learn(self, batch: dict[str, Any], step: int) -> float:
        features = batch["features"].to(torch.bfloat16)
        with torch.autocast("cpu", torch.bfloat16):
            roots, heads = self._network(features.contiguous(memory_format=torch.channels_last))
        wrong = loss(roots, heads, batch)
        self._rule.zero_grad(set_to_none=True)
        wrong.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _STEEPEST)
        self._rule.step()
        keep = min(_AVERAGED, (step + 1) / (step + 10))
        with torch.no_grad():
            now = list(self._network.parameters())
            torch._foreach_lerp_(list(self._mean.parameters()), now, 1 - keep)
        return float(wrong.detach())

    def _set_rates(self, step: int, steps: int) -> None:
        """Set the rates: a short rise, then half a cosine."""
        rise = min(1.0, (step + 1) / min(_WARM_STEPS, 1 + steps // 10))
        share = rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in self._rule.param_groups:
            group["lr"] = group["peak"] * share

    def _save(self) -> None:
        state = {
            "epoch": self._epoch,
            "network": self._network.state_dict(),
            "mean": self._mean.state_dict(),
            "rule": self._rule.state_dict(),
        }
        torch.save(state, self._folder / "last.pt.new")
        (self._folder / "last.pt.new").replace(self._folder / "last.pt")

    def _restore(self) -> None:
        path = self._folder / "last.pt"
        if path.exists():
            state: dict[str, Any] = torch.load(path, weights_only=False)
            self._epoch = state["epoch"]
            self._network.load_state_dict(state["network"])
            self._mean.load_state_dict(state["mean"])
            self._rule.load_state_dict(state["rule"])
