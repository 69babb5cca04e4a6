"""Sets of sequence numbers in little memory: 4 bytes a range, however many ranges there are.

A part is (key, base, pairs): `key` tells the boot, `pairs` is an array of lo, hi, lo, hi... as
distances from `base`, rising. 2,500 packs in lists of lists would take 150 KB. What puts numbers
in and lists them is in `number_ranges`.
"""

from array import array


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


def _keep(pairs: array, base: int, lo: int, hi: int) -> None:
    if lo <= hi:
        pairs.append(lo - base)
        pairs.append(hi - base)
