"""Sets of numbers as sorted ranges that do not touch: a node's thousands in one pass."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

from haidang_wire import ranges as seqs

from haidang_gateway.ingest.boot import Ranges

_LOW, _HIGH = itemgetter(0), itemgetter(1)


def union(*sets: Ranges) -> Ranges:
    """What is in any of them."""
    whole: Ranges = []
    for low, high in sorted(itertools.chain.from_iterable(sets)):
        if whole and low <= whole[-1][1] + 1:
            whole[-1][1] = max(whole[-1][1], high)
        else:
            whole.append([low, high])
    return whole


def outside(
    known: Ranges, named: Iterable[tuple[int, int, str]], floor: int
) -> Iterator[tuple[int, int, str]]:
    """What of `named` is not known, from `floor` on: each once, rising, with its word."""
    behind = floor
    for low, high, word in sorted(named):
        first, behind = max(low, behind), max(behind, high + 1)
        for gap_low, gap_high in _gaps(known, first, high):
            yield gap_low, gap_high, word


def without(whole: Ranges, taken: Ranges) -> Ranges:
    """What of `whole` is in none of `taken`, which may touch but not overlap."""
    return [gap for low, high in whole for gap in _gaps(taken, low, high)]


def _gaps(ranges: Ranges, low: int, high: int) -> Ranges:
    near = ranges[bisect_left(ranges, low, key=_HIGH) : bisect_right(ranges, high, key=_LOW)]
    return seqs.gaps(near, low, high + 1)
