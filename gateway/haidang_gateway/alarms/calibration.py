"""How many people one phone stands for, as a camera at the same place teaches it."""

from math import exp, log
from typing import Any

Factor = dict[str, Any]

# Fewer people or phones say more about chance than about the factor.
LEAST_PEOPLE = 10
LEAST_DEVICES = 5
# A picture and a window of phones belong together within this time.
TOGETHER_MS = 60_000
# Nobody carries ten phones, and where nine in ten people carry none, phones say nothing.
_LOW, _HIGH = 0.2, 5.0
# After so many windows the factor may be used; it goes on moving by this share of the newest.
LEARNT = 10
_SHARE = 0.05
# One window moves the factor by 10 % at most: a wrong count does not spoil weeks of learning.
_STEP = log(1.1)
_LEAST_SPREAD = 0.05
# Two standard errors; the mean error of a normal one is 0.8 of the standard error.
_INTERVAL = 2.5


def learn(factor: Factor | None, people: float, devices: int) -> Factor:
    """The factor after one window in which a camera counted `people` and phones were heard."""
    ratio = log(min(max(people / devices, _LOW), _HIGH))
    if factor is None:
        return {"k": exp(ratio), "spread": 0.5, "n": 1}
    share = max(1 / (factor["n"] + 1), _SHARE)
    error = ratio - log(factor["k"])
    step = min(max(share * error, -_STEP), _STEP)
    spread = factor["spread"] + share * (abs(error) - factor["spread"])
    n = min(factor["n"] + 1, 1_000_000)
    return {"k": exp(log(factor["k"]) + step), "spread": spread, "n": n}


def is_learnt(factor: Factor | None) -> bool:
    """Whether the factor may be used."""
    return factor is not None and factor["n"] >= LEARNT


def people_of(factor: Factor, low: float, devices: float, high: float) -> tuple[int, int, int]:
    """People with their interval, out of phones with theirs."""
    margin = exp(_INTERVAL * max(factor["spread"], _LEAST_SPREAD))
    k = factor["k"]
    return round(low * k / margin), round(devices * k), round(high * k * margin)
