"""Sets of sequence numbers as a sorted list of inclusive [lo, hi] pairs, never touching."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def add(ranges: list[list[int]], n: int) -> bool:
    """Put `n` in, in place; False if it was there already."""
    at = _place(ranges, n)
    if at < len(ranges) and ranges[at][0] <= n:
        return False
    joins_left = at > 0 and ranges[at - 1][1] == n - 1
    joins_right = at < len(ranges) and ranges[at][0] == n + 1
    if joins_left and joins_right:
        ranges[at - 1][1] = ranges[at][1]
        del ranges[at]
    elif joins_left:
        ranges[at - 1][1] = n
    elif joins_right:
        ranges[at][0] = n
    else:
        ranges.insert(at, [n, n])
    return True


def add_range(ranges: list[list[int]], lo: int, hi: int) -> None:
    """Put all of lo..hi in, in place; nothing if hi < lo."""
    if hi < lo:
        return
    first = _place(ranges, lo - 1)
    after = first
    while after < len(ranges) and ranges[after][0] <= hi + 1:
        after += 1
    if after > first:
        lo = min(lo, ranges[first][0])
        hi = max(hi, ranges[after - 1][1])
    ranges[first:after] = [[lo, hi]]


def remove(ranges: list[list[int]], n: int) -> bool:
    """Take `n` out, in place; False if it was not there."""
    at = _place(ranges, n)
    if at == len(ranges) or ranges[at][0] > n:
        return False
    lo, hi = ranges[at]
    left = [[lo, n - 1]] if lo < n else []
    right = [[n + 1, hi]] if n < hi else []
    ranges[at : at + 1] = left + right
    return True


def contains(ranges: list[list[int]], n: int) -> bool:
    """Whether `n` is in."""
    at = _place(ranges, n)
    return at < len(ranges) and ranges[at][0] <= n


def from_sorted(numbers: "Iterable[int]") -> list[list[int]]:
    """Ranges of numbers that come in rising order; repeats are allowed."""
    ranges: list[list[int]] = []
    for n in numbers:
        if ranges and n <= ranges[-1][1] + 1:
            ranges[-1][1] = n
        else:
            ranges.append([n, n])
    return ranges


def count(ranges: list[list[int]]) -> int:
    """How many numbers are in."""
    total = 0
    for lo, hi in ranges:
        total += hi - lo + 1
    return total


def gaps(ranges: list[list[int]], first: int, end: int) -> list[list[int]]:
    """The numbers of first..end-1 that are not in."""
    missing: list[list[int]] = []
    want = first
    for lo, hi in ranges:
        if lo >= end:
            break
        if lo > want:
            missing.append([want, lo - 1])
        want = max(want, hi + 1)
    if want < end:
        missing.append([want, end - 1])
    return missing


def each(ranges: list[list[int]]) -> "Iterator[int]":
    """Every number, rising."""
    for lo, hi in ranges:
        n = lo
        while n <= hi:
            yield n
            n += 1


def _place(ranges: list[list[int]], n: int) -> int:
    # Index of the first range that ends at or after n.
    low = 0
    high = len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle][1] < n:
            low = middle + 1
        else:
            high = middle
    return low
