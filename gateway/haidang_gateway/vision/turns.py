"""Whose turn it is: several cameras share one processor, the oldest deadline goes first. Pure."""

from collections.abc import Collection


class Turns:
    """Deadlines by camera; nobody starves, and nobody who is late gets two turns at once."""

    def __init__(self, cameras: Collection[str], now_ms: int) -> None:
        """All are due at once, in the order given."""
        self._due = dict.fromkeys(cameras, now_ms)
        self._early = dict.fromkeys(cameras, 0)

    def pick(self, ready: Collection[str], now_ms: int) -> str | None:
        """The camera of `ready` that waits longest for its turn; None where none is due.

        Half of its time too early is in time, since the next turn is not moved by that: a picture
        that came is looked at, and nobody wakes up again for it.
        """
        due = [x for x in self._due if x in ready and self._due[x] - self._early[x] <= now_ms]
        return min(due, key=self._due.__getitem__, default=None)

    def done(self, camera: str, period_ms: int, now_ms: int) -> None:
        """Set the next deadline; turns that were missed are not made up for."""
        next_ms = self._due[camera] + period_ms
        self._due[camera] = max(next_ms, now_ms)
        self._early[camera] = period_ms // 2 if next_ms > now_ms else 0

    def wait_ms(self, ready: Collection[str], now_ms: int) -> int | None:
        """How long until one of `ready` is due; None where none is ready."""
        due = [self._due[camera] - self._early[camera] for camera in ready]
        return max(0, min(due) - now_ms) if due else None
