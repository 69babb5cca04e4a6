"""What a crowd map is worth: counts in squares of many sizes, and the middles of heads."""

from typing import Any

import torch
from torch.nn import functional

Batch = dict[str, Any]

# Sides in cells, share of the loss, least count and spread (below) of the squares.
_SQUARES = ((1, 0.15, 1e-3, 1.0), (4, 0.3, 0.02, 4.0), (16, 0.6, 0.1, 15.0))
_WHOLE, _WHOLE_LEAST, _WHOLE_SPREAD = 1.5, 0.5, 40.0
_PEAK_SHARE = 0.3
_LIFT = 0.05  # pulls cells back into which no slope comes, since they lie below zero


def loss(roots: Any, heads: Any, batch: Batch) -> Any:
    """Return the mean loss of a batch: `density`, `peaks` (n, rows, columns), `marked` (n).

    Where nobody marked the heads only the count of the whole picture speaks.
    """
    density, marked = batch["density"], batch["marked"]
    seen = torch.square(functional.relu(roots))
    people, found = density.sum((1, 2)), seen.sum((1, 2))
    places = _LIFT * (functional.relu(-roots) * torch.sqrt(density)).sum((1, 2))
    for side, share, least, spread in _SQUARES:
        counted, wanted = (_squares(field, side) for field in (seen, density))
        places = places + share * _strange(counted, wanted, least, spread).sum((1, 2))
    places = places / torch.sqrt(people + 4.0) + _PEAK_SHARE * _peak_loss(heads, batch["peaks"])
    whole = _strange(found, people, _WHOLE_LEAST, _WHOLE_SPREAD)
    return (marked * places + _WHOLE * whole).mean()


def _strange(counted: Any, wanted: Any, least: float, spread: float) -> Any:
    """Return how strange a count is, 0 where it is right: half the negative binomial's deviance.

    Its variance is count + count^2 / spread, so dense places do not rule; and unlike an error of
    roots, or one weighed by the truth, it is least at the MEAN of what may be there, not below it.
    """
    counted, wanted = counted + least, wanted + least
    near = wanted * torch.log(wanted / counted)
    return near - (wanted + spread) * torch.log((wanted + spread) / (counted + spread))


def _squares(field: Any, side: int) -> Any:
    return functional.avg_pool2d(field[:, None], side)[:, 0] * side**2 if side > 1 else field


def _peak_loss(logits: Any, wanted: Any) -> Any:
    """Return the focal loss of a map of heads (Zhou et al. 2019, Objects as Points, eq. 1)."""
    sure = torch.sigmoid(logits)
    heads = (wanted > 0.999).float()
    hit = heads * torch.square(1.0 - sure) * functional.logsigmoid(logits)
    miss = (
        (1.0 - heads) * (1.0 - wanted) ** 4 * torch.square(sure) * functional.logsigmoid(-logits)
    )
    return -(hit + miss).sum((1, 2)) / (heads.sum((1, 2)) + 1.0)
