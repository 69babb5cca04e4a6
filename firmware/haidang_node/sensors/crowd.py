"""A window's sketch to a number of phones with an interval; loaded at a window's end."""

import math

from haidang_node.sensors.sketch import NEAR, REGISTERS
from haidang_wire.senml_text import Record

# Fewer devices than this could be told apart as persons: no count is given.
_SUPPRESSED_BELOW = 5
_STANDARD_ERROR = 0.0325
# 90 % of a normal distribution.
_SPREAD = 1.645
# Before anything was learnt: one phone that was active three times, another once.
_FIRST = (2, 4, 2, 1, 4, 6)
# What an earlier window counts beside the present one.
_KEPT = 0.7
# Phones that can be linked need not scan as often as those that cannot.
_UNLIKE = 0.25
# More phones unseen than seen twice over cannot be told from a sample.
_MISSED_MOST = 2.0
_RARE = 10


def records(sketch, learnt: tuple, frames: int, window_s: int, source: str, at_ms: int) -> tuple:
    """(records of the window, what was learnt up to now); learnt: () at first."""
    devices, low, high, learnt = estimate(sketch, learnt)
    if devices < _SUPPRESSED_BELOW:
        told = [Record("footfall/suppressed", True, at_ms)]
    else:
        told = [
            Record("footfall/devices", devices, at_ms),
            Record("footfall/low", low, at_ms),
            Record("footfall/high", high, at_ms),
            Record("footfall/frames", frames, at_ms),
        ]
    told.append(Record("footfall/window", window_s, at_ms))
    told.append(Record("footfall/source", source, at_ms))
    return told, learnt


def estimate(sketch, learnt: tuple) -> tuple:
    """(devices, low, high, learnt): phones that were there, also those not heard.

    Phones with their own address are counted; so are those whose hidden addresses form chains.
    The others are told by how often they were active, over how often a phone is: learnt from
    those that can be linked, here and in earlier windows (RateCount's thought: count a rate).
    """
    own = sketch.own.hits[: sketch.own.count]
    chains = _chains(sketch.chains)
    learnt = _learn(learnt or _FIRST, list(own) + chains)
    missed = _missed(learnt)
    own_seen = len(own) if not sketch.own.mask else _distinct(sketch.registers, 0)
    seen = own_seen
    active = _distinct(sketch.registers, 4)
    if not sketch.chains.mask:
        seen += len(chains)
        active = max(0, active - sum(chains))
    counted = seen * (1 + missed)
    guessed = active * (1 + missed) * learnt[0] / learnt[1]
    total = counted + guessed
    error = _error(counted, guessed, counted - seen, learnt[0])
    spread = math.exp(_SPREAD * error / total) if total else 1
    devices = int(total + 0.5)
    low = min(devices, max(int(total / spread), int(0.9 * seen)))
    high = max(devices, int(total * spread + 0.999))
    return devices, low, high, learnt


def _learn(learnt: tuple, hits: list) -> tuple:
    # Of the phones that can be linked: how many, their hits; of those heard rarely: how many,
    # how many once, their hits, their pairs of hits.
    rare = [count for count in hits if count <= _RARE]
    sums = (
        len(hits),
        sum(hits),
        len(rare),
        rare.count(1),
        sum(rare),
        sum([count * (count - 1) for count in rare]),
    )
    return tuple([_KEPT * learnt[i] + sums[i] for i in range(len(sums))])


def _missed(learnt: tuple) -> float:
    # Phones that were there and silent, for each one heard: Chao and Lee 1992 (ACE), which
    # allows for phones that are active more and less often.
    seen, _, rare, once, heard, pairs = learnt
    if heard <= once:
        return _MISSED_MOST
    known = 1 - once / heard
    unlike = max(0.0, rare / known * pairs / (heard * heard) - 1)
    return min((rare / known + once / known * unlike - rare) / seen, _MISSED_MOST)


def _error(counted: float, guessed: float, missed: float, linked: float) -> float:
    # Standard error of the sum. Rates differ from phone to phone by about their mean.
    square = (guessed * math.sqrt(_UNLIKE * _UNLIKE + 1.0 / linked)) ** 2 + guessed
    square += (_STANDARD_ERROR * (guessed + counted)) ** 2
    return math.sqrt(square + (0.1 * counted) ** 2 + 2 * missed)


def _chains(sample) -> list:
    # Hits of each chain, of those models only whose addresses join more often than by chance.
    hits = []
    group = sample.group[: sample.count]
    for model in set(group):
        members = [i for i in range(sample.count) if group[i] == model]
        joined = sum([sample.hits[i] - 1 for i in members])
        addresses = len(members) + sum([sample.links[i] for i in members])
        # Each of the pairs, NEAR of 4096 sequence numbers.
        by_chance = addresses * addresses * NEAR / 8192
        if joined >= 2 and joined >= by_chance + 3 * math.sqrt(by_chance):
            hits += [sample.hits[i] for i in members]
    return hits


def _distinct(registers, shift: int) -> float:
    # Flajolet et al. 2007; the correction for large counts is not needed.
    total = empty = 0
    for both in registers:
        rank = both >> shift & 15
        total += 32768 >> rank
        empty += rank == 0
    if empty == REGISTERS:
        return 0
    raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * REGISTERS * 32768 / total
    if empty and raw <= 2.5 * REGISTERS:
        return REGISTERS * math.log(REGISTERS / empty)
    return raw
