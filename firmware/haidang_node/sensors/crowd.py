"""A window's sketch to a number of phones with an interval; loaded at a window's end."""

import math

from haidang_node.sensors.sketch import FIELDS, HITS, REGISTERS, near
from haidang_wire.senml_text import Record

# Fewer devices than this could be told apart as persons: no count is given unless the interval's
# lower end is above it. By the count alone three phones were told as five to nine in each fourth
# window.
_SUPPRESSED_BELOW = 5
# 90 % of a normal distribution.
_SPREAD = 1.645
# Believed before anything is learnt: two phones, six scans; and of one missed 0.4 of a phone.
_FIRST_PHONES = 2.0
_FIRST_SCANS = 6.0
_FIRST_MISSED = 0.4
# What an earlier window counts beside the present one.
_KEPT = 0.7
_MISSED_MOST = 2.0
# How many makes let the sequence number go on when they change the address, before anything
# is seen of them; from where on that is believed enough to learn from it.
_GOES_ON = 0.3
_BELIEVED = 0.8
# A model keeps its addresses where so many of its scans come from one that was heard before.
_KEEPS = 0.15
# Where more of a model's new addresses follow another one by chance, links tell nothing.
_CHANCE_MOST = 0.5
_LASTS = 0.7
# Standard errors: phones that cannot be linked scan more or less often than those that can;
# addresses that are kept for a while; everything else.
_UNLIKE = 0.28
_KEPT_ERROR = 0.2
_ERROR = 0.1


def records(sketch, learnt: tuple, frames: int, window_s: int, source: str, at_ms: int) -> tuple:
    """(records of the window, what was learnt up to now); learnt: () at first."""
    devices, low, high, learnt = estimate(sketch, learnt)
    if low < _SUPPRESSED_BELOW:
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
    The others are told by how often they scanned, over how often a phone does: learnt from
    those that can be linked, here and in earlier windows (RateCount's thought: count a rate).
    learnt: of the linked phones how many, heard once, heard twice, scans. No identity is in it.
    """
    own = sketch.own.hits()
    models = _models(sketch.chains)
    learnt = learnt or (0, 0, 0, 0)
    now = _learn(learnt, own)
    for _ in range(2):
        rate = _rate(now)
        now = _learn(learnt, own + [hits for m in models if _linked(m, rate) for hits in m[0]])
    rate = _rate(now)
    seen = len(own) if not sketch.own.mask else _distinct(sketch.registers, 0)
    scans = _distinct(sketch.registers, 4)
    if sketch.chains.slots:
        # A scan that reaches into the next slot is there twice.
        scans *= sketch.chains.scans / sketch.chains.slots
    guessed = kept = 0.0
    for model in models:
        heard = sum(model[0])
        scans -= heard
        sure = _goes_on(model, rate)
        seen += sure * len(model[0])
        if _keeps(model):
            kept += (1 - sure) * min(len(model[0]), max(1, heard / rate))
        elif len(model[0]) == 1:
            seen += 1 - sure
        else:
            guessed += (1 - sure) * heard / rate
    guessed += max(0, scans) / rate
    missed = _missed(now)
    total = (seen + kept + guessed) * (1 + missed)
    error = _error(total, guessed * (1 + missed), kept * (1 + missed), missed, now)
    spread = math.exp(_SPREAD * error / total) if total else 1
    devices = int(total + 0.5)
    low = min(devices, max(int(total / spread), int(0.9 * seen)))
    high = max(devices, int(total * spread + 0.999))
    return devices, low, high, now


def _models(chains) -> list:
    # [hits of each chain, links] of each model.
    models = {}
    rows = chains.rows
    for i in range(0, chains.end, FIELDS):
        model = models.setdefault(rows[i], [[], 0])
        model[0].append(rows[i + 3] >> 8 & HITS)
        model[1] += rows[i + 2] >> 12
    return list(models.values())


def _learn(learnt: tuple, hits: list) -> tuple:
    sums = (len(hits), hits.count(1), hits.count(2), sum(hits))
    return tuple([_KEPT * learnt[i] + sums[i] for i in range(len(sums))])


def _rate(learnt: tuple) -> float:
    # Scans of a phone in a window.
    return (learnt[3] + _FIRST_SCANS) / (learnt[0] + _FIRST_PHONES)


def _missed(learnt: tuple) -> float:
    # Phones that were there and silent, for each one heard: between the jackknifes of first and
    # second order (Burnham and Overton 1979).
    phones, once, twice, _ = learnt
    missed = (1.5 * once - 0.5 * twice + 0.5 * _FIRST_MISSED) / (phones + 0.5)
    return min(max(0.0, missed), _MISSED_MOST)


def _keeps(model: list) -> bool:
    hits, links = model
    repeats = sum(hits) - len(hits) - links
    return repeats >= max(1, _KEEPS * sum(hits))


def _goes_on(model: list, rate: float) -> float:
    # Probability that the model's sequence numbers go on over a change of address: its links
    # against what they would be by chance.
    hits, links = model
    chains = len(hits)
    addresses = chains + links
    if not links:
        return 0.0
    # Each address against, on average, half of the chains.
    chance = 1 - math.exp(-addresses * near(chains) * chains / 8192 / (addresses - 1))
    if chance > _CHANCE_MOST:
        return 0.0
    chance = max(chance, 0.01)
    follows = min(0.95, max(0.5, 1 - 1 / rate))
    told = links * math.log(follows / chance)
    told += (chains - 1) * math.log((1 - follows) / (1 - chance))
    odds = math.exp(max(-40.0, min(40.0, told))) * _GOES_ON / (1 - _GOES_ON)
    return odds / (1 + odds)


def _linked(model: list, rate: float) -> bool:
    # Whether its chains are phones, so that rates can be learnt from them.
    if _goes_on(model, rate) > _BELIEVED:
        return True
    heard = sum(model[0])
    return _keeps(model) and heard > 2 and heard >= _LASTS * rate * len(model[0])


def _error(total: float, guessed: float, kept: float, missed: float, learnt: tuple) -> float:
    # Standard error of the sum.
    square = guessed * guessed * (_UNLIKE * _UNLIKE + 3 / (learnt[0] + _FIRST_PHONES))
    square += (_KEPT_ERROR * kept) ** 2 + (_ERROR * total) ** 2
    return math.sqrt(square + guessed / _rate(learnt) + 2 * missed * total)


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
