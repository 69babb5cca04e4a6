"""What is seldom done with the sets of `numbers`: put in, listed, joined."""

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
