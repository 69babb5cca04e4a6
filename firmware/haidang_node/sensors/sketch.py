"""How many different things were seen: a HyperLogLog sketch of 1 KB, salted anew per window."""

import math

from micropython import const

# Flajolet et al. 2007: standard error 1.04 / sqrt(1024) = 3.25 %.
_INDEX_BITS = const(10)
_REGISTERS = const(1 << 10)
# 29 bits: sums of two stay small integers on a 32-bit board, so nothing is allocated.
_MASK = const((1 << 29) - 1)
_RANK_BITS = const(19)
# Two standard errors, in permille.
_INTERVAL_PERMILLE = const(65)


class Sketch:
    """Adds bytes without keeping them; the salt makes sketches of two windows incomparable."""

    def __init__(self) -> None:
        self._registers = bytearray(_REGISTERS)
        self._salt = 0

    def clear(self, salt: int) -> None:
        """Forgets everything; `salt` is a fresh random number that is kept nowhere else."""
        self._salt = salt & _MASK
        for i in range(_REGISTERS):
            self._registers[i] = 0

    def add(self, buffer: bytearray, start: int, end: int) -> None:
        """Takes buffer[start:end] as one thing. Allocates nothing."""
        mixed = self._salt
        while start < end:
            mixed = (mixed + buffer[start]) & _MASK
            mixed = (mixed + ((mixed & (_MASK >> 10)) << 10)) & _MASK
            mixed ^= mixed >> 6
            start += 1
        mixed = _finished(_finished(mixed))
        rest = mixed >> _INDEX_BITS | 1 << _RANK_BITS
        rank = 1
        while not rest & 1:
            rest >>= 1
            rank += 1
        index = mixed & (_REGISTERS - 1)
        self._registers[index] = max(self._registers[index], rank)

    def count(self) -> int:
        """The estimate."""
        total = 0
        empty = 0
        for rank in self._registers:
            total += 1 << (_RANK_BITS + 1 - rank)
            empty += rank == 0
        if empty == _REGISTERS:
            return 0
        # Single precision is enough: the estimate itself is good to 3 %.
        estimate = 0.7213 / (1 + 1.079 / _REGISTERS) * _REGISTERS * _REGISTERS
        estimate = estimate * (1 << (_RANK_BITS + 1)) / total
        if empty and estimate <= 2.5 * _REGISTERS:
            estimate = _REGISTERS * math.log(_REGISTERS / empty)
        return int(estimate + 0.5)


def interval(count: int) -> tuple[int, int]:
    """Lowest and highest count that the estimate's own error allows (95 %)."""
    error = (count * _INTERVAL_PERMILLE + 999) // 1000
    return max(0, count - error), count + error


def _finished(mixed: int) -> int:
    mixed = (mixed + ((mixed & (_MASK >> 3)) << 3)) & _MASK
    mixed ^= mixed >> 11
    mixed = (mixed + ((mixed & (_MASK >> 15)) << 15)) & _MASK
    mixed ^= mixed >> 7
    mixed = (mixed + ((mixed & (_MASK >> 12)) << 12)) & _MASK
    return mixed ^ mixed >> 13
