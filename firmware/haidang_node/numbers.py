"""Parts of a set of sequence numbers, as lists of inclusive ranges."""

from haidang_wire import ranges


def clip(numbers: list, lo: int, hi: int) -> list:
    """The ranges of `numbers` inside lo..hi."""
    return [
        (max(lo, first), min(hi, last)) for first, last in numbers if first <= hi and last >= lo
    ]


def take_out(numbers: list, lo: int, hi: int) -> int:
    """Removes lo..hi from `numbers`, in place; how many were in."""
    taken = 0
    for first, last in clip(numbers, lo, hi):
        for seq in range(first, last + 1):
            ranges.remove(numbers, seq)
            taken += 1
    return taken
