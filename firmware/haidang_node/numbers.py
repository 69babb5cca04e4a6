"""Sets of sequence numbers in little memory: 4 bytes a range, however many ranges there are.

A part is (key, base, pairs): `key` tells the boot, `pairs` is an array of lo, hi, lo, hi... as
distances from `base`, rising. 2,500 packs in lists of lists would take 150 KB.
"""

from array import array

from micropython import const

_DISTANCE_LIMIT = const(0xFFFF)


def add(parts: list, key: int, seq: int) -> None:
    """Puts a number into the newest part; numbers of a key come rising."""
    if parts:
        of_key, base, pairs = parts[-1]
        at = seq - base
        if of_key == key and pairs[-1] < at <= _DISTANCE_LIMIT:
            if pairs[-1] + 1 == at:
                pairs[-1] = at
            else:
                pairs.append(at)
                pairs.append(at)
            return
    parts.append((key, seq, array("H", (0, 0))))


def holds(parts: list, key: int, seq: int) -> bool:
    """Whether a number is in."""
    for of_key, base, pairs in parts:
        at = seq - base
        if of_key == key and at <= pairs[-1]:
            for i in range(0, len(pairs), 2):
                if pairs[i] <= at <= pairs[i + 1]:
                    return True
    return False


def take_out(parts: list, key: int, lo: int, hi: int) -> int:
    """Removes lo..hi, in place; how many were in."""
    taken = 0
    for at in range(len(parts) - 1, -1, -1):
        of_key, base, pairs = parts[at]
        if of_key != key or lo > base + pairs[-1] or hi < base + pairs[0]:
            continue
        kept = array("H")
        for i in range(0, len(pairs), 2):
            first, last = base + pairs[i], base + pairs[i + 1]
            taken += max(0, min(hi, last) - max(lo, first) + 1)
            _keep(kept, base, first, min(last, lo - 1))
            _keep(kept, base, max(first, hi + 1), last)
        if kept:
            parts[at] = (key, base, kept)
        else:
            del parts[at]
    return taken


def count(parts: list) -> int:
    """How many numbers are in."""
    total = 0
    for _, _, pairs in parts:
        for i in range(0, len(pairs), 2):
            total += pairs[i + 1] - pairs[i] + 1
    return total


def each(parts: list, key: int):
    """The ranges of a key as (lo, hi), rising."""
    for of_key, base, pairs in parts:
        if of_key == key:
            for i in range(0, len(pairs), 2):
                yield base + pairs[i], base + pairs[i + 1]


def together(one, other, limit: int) -> list:
    """Two rising sequences of (lo, hi) as one list of [lo, hi]; beyond `limit` the rest is one."""
    pieces: list = []
    fronts: list = [next(one, None), next(other, None)]
    while fronts[0] or fronts[1]:
        first = 0 if not fronts[1] or (fronts[0] and fronts[0] < fronts[1]) else 1
        lo, hi = fronts[first]
        fronts[first] = next(other if first else one, None)
        if pieces and (lo <= pieces[-1][1] + 1 or len(pieces) == limit):
            pieces[-1][1] = max(pieces[-1][1], hi)
        else:
            pieces.append([lo, hi])
    return pieces


def _keep(pairs: array, base: int, lo: int, hi: int) -> None:
    if lo <= hi:
        pairs.append(lo - base)
        pairs.append(hi - base)
