"""Time in a board's world, and what has been planned to happen in it."""

from collections import deque
from collections.abc import Callable, Iterable


class WorldTime:
    """Whoever drives the board sets `now_s`, its own steady time, in rising order."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._began_s: float | None = None
        self._script: deque[tuple[float, Callable[[], None]]] = deque()

    @property
    def now_s(self) -> float:
        """The board's steady time."""
        return self._now_s

    @now_s.setter
    def now_s(self, now_s: float) -> None:
        if self._began_s is None:
            self._began_s = now_s
        self._now_s = now_s
        while self._script and self._script[0][0] <= now_s:
            self._script.popleft()[1]()

    @property
    def age_s(self) -> float:
        """How long this world has been lived in."""
        return 0.0 if self._began_s is None else self._now_s - self._began_s

    def play(self, script: Iterable[tuple[float, Callable[[], None]]]) -> None:
        """Do each thing when its time, in seconds from now on, has come; in rising order."""
        now_s = self._now_s
        self._script = deque((now_s + at_s, do) for at_s, do in script)
