"""Figures of merit for the camera models; pure functions over scores and truth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.own_gain import own_gain
from models.rows import Box

KINDS = ("fire", "smoke")
_Z_95 = 1.959964
_ONE_IN_20 = 0.05
_DRAWS = 5000


@dataclass(frozen=True, slots=True)
class FireCase:
    """One judged picture: scores, truth, and per kind whether the strongest cell met an object.

    `pointed` holds None for a kind without boxes. `smoke_known` False: smoke was not labelled.
    `image` and `source` name it in the report.
    """

    fire: float
    smoke: float
    labels: frozenset[str]
    smoke_known: bool
    pointed: dict[str, bool | None]
    image: str = ""
    source: str = ""

    @property
    def burning(self) -> bool:
        """Whether there are flames or smoke in it."""
        return bool(self.labels & set(KINDS))

    def alarms(self, fire_threshold: float, smoke_threshold: float) -> bool:
        """Whether either score reaches its threshold."""
        return self.fire >= fire_threshold or self.smoke >= smoke_threshold


@dataclass(frozen=True, slots=True)
class CrowdCase:
    """One counted picture; `inside` tells whether the truth lay in the count's interval."""

    counted: float
    truth: int
    source: str
    inside: bool = False


def average_precision(scores: Sequence[float], truth: Sequence[bool]) -> float | None:
    """Return the area under precision over recall; equal scores count as one step.

    None where no case is positive. Definition as in scikit-learn's `average_precision_score`.
    """
    if not any(truth):
        return None
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    ranked = np.asarray(scores, np.float64)[order]
    hits = np.cumsum(np.asarray(truth, bool)[order])
    last = np.append(ranked[1:] != ranked[:-1], True)
    precision = hits[last] / (np.nonzero(last)[0] + 1)
    recall = hits[last] / hits[-1]
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * precision))


def wilson(hits: int, cases: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share (Wilson 1927); None without cases."""
    if not cases:
        return None
    z2 = _Z_95**2
    middle = (hits + z2 / 2) / (cases + z2)
    half = _Z_95 * math.sqrt(hits * (cases - hits) / cases + z2 / 4) / (cases + z2)
    return round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)


def events_upper_bound(events: int) -> float:
    """Return the mean count that would show `events` or fewer in 1 of 20 cases (Poisson).

    About 3 where none was seen: the rule of three.
    """
    low, high = 0.0, 3.0 * events + 10.0
    for _ in range(60):
        mean = (low + high) / 2
        terms = (
            math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(events + 1)
        )
        low, high = (mean, high) if sum(terms) > _ONE_IN_20 else (low, mean)
    return high


def cell_meets_box(row: int, column: int, cells: int, boxes: Sequence[Box]) -> bool:
    """Tell whether a cell of a cells x cells map overlaps any normalised centre box."""
    left, top, side = column / cells, row / cells, 1 / cells
    return any(
        left < cx + w / 2
        and left + side > cx - w / 2
        and top < cy + h / 2
        and top + side > cy - h / 2
        for cx, cy, w, h in boxes
    )


def fire_figures(
    cases: Sequence[FireCase], fire_threshold: float, smoke_threshold: float
) -> dict[str, object]:
    """Return the fire model's figures at the given thresholds; None where there are no cases."""
    normal = [c for c in cases if not c.burning]
    smoke_known = [c for c in cases if c.smoke_known]
    return {
        "pictures": len(cases),
        **_alarm_figures(cases, fire_threshold, smoke_threshold),
        "ap_fire": _rounded(
            average_precision([c.fire for c in cases], ["fire" in c.labels for c in cases])
        ),
        "ap_smoke": _rounded(
            average_precision(
                [c.smoke for c in smoke_known], ["smoke" in c.labels for c in smoke_known]
            )
        ),
        "false_fire_rate": _share([c.fire >= fire_threshold for c in normal]),
        "false_smoke_rate": _share([c.smoke >= smoke_threshold for c in normal]),
        "pointing_fire": _pointing(cases, "fire", fire_threshold),
        "pointing_smoke": _pointing(cases, "smoke", smoke_threshold),
        "fire_threshold": fire_threshold,
        "smoke_threshold": smoke_threshold,
        "per_source": {
            source: _alarm_figures(
                [c for c in cases if c.source == source], fire_threshold, smoke_threshold
            )
            for source in sorted({c.source for c in cases})
        },
    }


def wrong_pictures(
    cases: Sequence[FireCase], fire_threshold: float, smoke_threshold: float
) -> dict[str, list[str]]:
    """Return the names of missed burning and of alarming normal pictures, the worst first."""
    ranked = sorted(cases, key=lambda c: max(c.fire, c.smoke))
    alarms = {id(c) for c in cases if c.alarms(fire_threshold, smoke_threshold)}
    return {
        "missed": [c.image for c in ranked if c.burning and id(c) not in alarms],
        "false_alarms": [c.image for c in ranked[::-1] if not c.burning and id(c) in alarms],
    }


def crowd_figures(cases: Sequence[CrowdCase]) -> dict[str, object]:
    """Return the crowd model's errors in people, in all and by source."""
    figures: dict[str, object] = dict(_errors(cases))
    sources = sorted({case.source for case in cases})
    figures["per_source"] = {s: _errors([c for c in cases if c.source == s]) for s in sources}
    return figures


def _alarm_figures(
    cases: Sequence[FireCase], fire_threshold: float, smoke_threshold: float
) -> dict[str, object]:
    """Alarm or not: counts, average precision, both rates with their 95 % intervals."""
    burning = [c.alarms(fire_threshold, smoke_threshold) for c in cases if c.burning]
    normal = [c.alarms(fire_threshold, smoke_threshold) for c in cases if not c.burning]
    precision = average_precision(
        [max(c.fire, c.smoke) for c in cases], [c.burning for c in cases]
    )
    return {
        "alarm_pictures": len(burning),
        "normal_pictures": len(normal),
        "ap_alarm": _rounded(precision) if normal else None,
        "recall": _share(burning),
        "recall_95": wilson(sum(burning), len(burning)),
        "false_alarm_rate": _share(normal),
        "false_alarm_rate_95": wilson(sum(normal), len(normal)),
    }


def _errors(cases: Sequence[CrowdCase]) -> dict[str, object]:
    if not cases:
        return {"pictures": 0, "mean": None, "mae": None, "mae_relative": None, "bias": None}
    wrong = np.array([c.counted - c.truth for c in cases])
    truth = np.array([c.truth for c in cases])
    mean = float(truth.mean())
    mae = float(np.abs(wrong).mean())
    return {
        "pictures": len(cases),
        "mean": round(mean, 2),
        "mae": round(mae, 3),
        "mae_95": resampled_mean(np.abs(wrong)),
        "mae_relative": round(mae / mean, 4) if mean > 0 else None,
        "bias": round(float(wrong.mean()), 3),
        "inside_interval": _share([c.inside for c in cases]),
        # What somebody would be wrong by who always says the mean of this very set.
        "mae_of_own_mean": round(float(np.abs(truth - mean).mean()), 3),
        "own_gain": own_gain([c.counted for c in cases], truth.tolist()),
    }


def resampled_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a mean by the bootstrap (Efron 1979), always the same draws."""
    draws = np.random.default_rng(1).integers(len(values), size=(_DRAWS, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5))
    return round(float(low), 3), round(float(high), 3)


def _pointing(cases: Sequence[FireCase], kind: str, threshold: float) -> float | None:
    """Of the found objects that have boxes: how often the strongest cell lies on one."""
    found = [c for c in cases if (c.fire if kind == "fire" else c.smoke) >= threshold]
    return _share([bool(c.pointed[kind]) for c in found if c.pointed.get(kind) is not None])


def _share(facts: Sequence[bool]) -> float | None:
    return round(sum(facts) / len(facts), 4) if facts else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
