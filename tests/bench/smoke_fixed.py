"""What others do with an MQ-2: a threshold on the ADC, or a ratio to a fixed clean air."""

import numpy as np

# Alarms that follow within ten minutes are one for those who run there.
_SAME_S = 600
_PRE_ALARM = 700
_ALARM = 500
_HYSTERESIS = 80
_CALM_S = 5


class Plain:
    """An alarm while one reading is above a fixed value."""

    def __init__(self, limit_mv: int) -> None:
        self._limit_mv = limit_mv

    def feed(self, begin_s: int, mv: list[int], centi_c: list[int], rh: list[int]) -> list[int]:
        """Every second above counts: a day that begins above is an alarm still."""
        above = np.flatnonzero(np.array(mv) > self._limit_mv) + begin_s
        if not len(above):
            return []
        apart = np.diff(above, prepend=above[0] - _SAME_S - 1) > _SAME_S
        began: list[int] = above[apart].tolist()
        return began


class FixedRatio:
    """Rs/R0 with R0 measured once: median of three, pre-alarm at 0.7, alarm at 0.5 for 3 s.

    As MQ libraries with a `calibrate()` do, with hysteresis, which they lack.
    """

    def __init__(self) -> None:
        self._ratios = [1000, 1000, 1000]
        self._rank = 0
        self._calm_s = 0
        self._runs = [0, 0]
        self.pre_alarms = 0

    def feed(self, begin_s: int, mv: list[int], centi_c: list[int], rh: list[int]) -> list[int]:
        """The seconds at which an alarm began."""
        out_mv = np.array(mv) * 1.5
        permille = ((5000 - out_mv) * 500 / out_mv).astype(int)
        whole = np.concatenate((self._ratios[1:], permille))
        middle = np.median(np.stack((whole[:-2], whole[1:-1], whole[2:])), axis=0).astype(int)
        self._ratios = [0, *permille[-2:].tolist()]
        began = []
        for at in np.flatnonzero(middle < _PRE_ALARM + 2 * _HYSTERESIS).tolist():
            before = self._rank
            self._step(int(middle[at]))
            if self._rank == 2 and before < 2:
                began.append(begin_s + at)
            self.pre_alarms += self._rank == 1 and before == 0
        return began

    def _step(self, ratio: int) -> None:
        for rank, limit in enumerate((_PRE_ALARM, _ALARM)):
            self._runs[rank] = self._runs[rank] + 1 if ratio <= limit else 0
        reached = 2 if self._runs[1] >= 3 else int(self._runs[0] >= 2)
        limit = (_ALARM if self._rank == 2 else _PRE_ALARM) + _HYSTERESIS
        self._calm_s = self._calm_s + 1 if ratio > limit else 0
        if reached > self._rank or self._calm_s >= _CALM_S:
            self._rank = reached
            self._calm_s = 0
