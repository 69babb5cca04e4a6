"""One epoch over cached views, and one step of a network and of its running mean."""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

_AVERAGED = 0.998  # share of the running mean of the weights that a step keeps
_log = logging.getLogger("train")


class Store(Protocol):
    """Cached views by number."""

    def __len__(self) -> int: ...

    def batch(self, numbers: Any) -> dict[str, Any]:
        """Return features and targets of some views."""
        ...


def run_epoch(
    store: Store,
    size: int,
    epoch: int,
    seed: int,
    learn: Callable[[dict[str, Any], int, int], float],
) -> None:
    """Hand the views to `learn` in whole batches of `size`, drawn alike for a seed and an epoch.

    Fewer than `size` are left out, others in each epoch.

    `learn` takes a batch, the step since the training began and the steps of an epoch; it returns
    the loss.
    """
    torch.manual_seed(seed * 1000 + epoch)
    order = np.random.default_rng((seed, epoch)).permutation(len(store))
    steps, began_s = len(store) // size, time.monotonic()
    losses: list[float] = []
    for step in range(steps):
        chosen = np.sort(order[step * size : (step + 1) * size])
        losses.append(learn(store.batch(chosen), epoch * steps + step, steps))
        if step % 50 == 49:
            each_s = (time.monotonic() - began_s) / (step + 1)
            _log.info("epoch %s step %s/%s loss %.4f, %.0f s left of this epoch", epoch,
                      step + 1, steps, np.mean(losses[-50:]),
                      each_s * (steps - step - 1))  # fmt: skip


def take_step(
    loss: Any, rule: Any, network: Any, mean: Any, *, step: int, steepest: float
) -> float:
    """Take one step down a loss, its slope no longer than `steepest`; return the loss.

    `mean` is drawn after the network: soon in the first steps, slowly later.
    """
    rule.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), steepest)
    rule.step()
    keep = min(_AVERAGED, (step + 1) / (step + 10))
    with torch.no_grad():
        torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - keep)
    return float(loss.detach())
