"""Integer filters over preallocated arrays."""

from array import array


class Median:
    """The median of the newest `size` samples (odd); allocates nothing after construction."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ring = array("i", [0] * size)
        self._sorted = array("i", [0] * size)
        self._count = 0
        self._at = 0

    @property
    def full(self) -> bool:
        """Whether the median speaks of `size` samples already."""
        return self._count == self._size

    def clear(self) -> None:
        """Forgets all samples."""
        self._count = 0
        self._at = 0

    def add(self, value: int) -> None:
        """Takes one sample; the oldest one goes."""
        self._ring[self._at] = value
        self._at = (self._at + 1) % self._size
        if self._count < self._size:
            self._count += 1

    def value(self) -> int:
        """The median; of an even number the higher middle one. Needs at least one sample."""
        ordered = self._sorted
        for i in range(self._count):
            value = self._ring[i]
            place = i
            while place > 0 and ordered[place - 1] > value:
                ordered[place] = ordered[place - 1]
                place -= 1
            ordered[place] = value
        return ordered[self._count // 2]


class Unchanging:
    """Notices a sensor that gives the very same value for too long: no real one does."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._last = -1
        self._same = 0

    def add(self, value: int) -> None:
        """Takes one raw value."""
        if value == self._last:
            if self._same < self._limit:
                self._same += 1
        else:
            self._last = value
            self._same = 0

    @property
    def stuck(self) -> bool:
        """Whether the value has not moved for `limit` samples."""
        return self._same >= self._limit
