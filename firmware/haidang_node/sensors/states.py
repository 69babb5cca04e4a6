"""A state that rises after a number of samples and falls with hysteresis."""


class Ladder:
    """States in rising order of danger over one rising value.

    names: the states, least dangerous first; thresholds[i] leads into names[i + 1].
    needed[i]: that many samples in a row at or above thresholds[i] before the state rises there.
    hysteresis: a state is left only when the value falls this far below its threshold, for
    `calm` samples in a row.
    """

    def __init__(
        self, names: tuple, thresholds: tuple, needed: tuple, hysteresis: int, calm: int
    ) -> None:
        self._names = names
        self._thresholds = thresholds
        self._needed = needed
        self._hysteresis = hysteresis
        self._calm_needed = calm
        self._above = bytearray(len(thresholds))
        self._calm = 0
        self._level = 0

    @property
    def name(self) -> str:
        """The present state."""
        return self._names[self._level]

    @property
    def level(self) -> int:
        """Its place in `names`."""
        return self._level

    def sample(self, value: int) -> bool:
        """Takes one value; True where the state changed. Allocates nothing."""
        before = self._level
        reached = 0
        for i in range(len(self._thresholds)):
            if value >= self._thresholds[i]:
                self._above[i] = min(self._above[i] + 1, 255)
                if self._above[i] >= self._needed[i]:
                    reached = i + 1
            else:
                self._above[i] = 0
        if reached > self._level:
            self._level = reached
            self._calm = 0
        else:
            self._fall(value)
        return self._level != before

    def force(self, level: int) -> bool:
        """Sets a state from another source, such as a relay contact; True where it changed."""
        changed = level != self._level
        self._level = level
        self._calm = 0
        return changed

    def _fall(self, value: int) -> None:
        if self._level == 0 or value >= self._thresholds[self._level - 1] - self._hysteresis:
            self._calm = 0
            return
        self._calm += 1
        if self._calm < self._calm_needed:
            return
        self._calm = 0
        while self._level and value < self._thresholds[self._level - 1] - self._hysteresis:
            self._level -= 1
