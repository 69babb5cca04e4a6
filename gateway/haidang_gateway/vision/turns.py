"""Whose turn it is: several cameras share one processor, the oldest deadline goes first. Pure."""

from collections.abc import Collection

# What pictures that come faster are taken more often for it is below a twentieth.
_PULL = 20


class Turns:
    """Deadlines by camera; nobody starves, and nobody who is late gets two turns at once."""

    def __init__(self, cameras: Collection[str], now_ms: int) -> None:
        """All are due at once, in the order given."""
        self._due = dict.fromkeys(cameras, now_ms)
        self._early = dict.fromkeys(cameras, 0)
        self._empty: set[str] = set()
        self._waited: dict[str, int] = {}

    def pick(self, ready: Collection[str], now_ms: int) -> str | None:
        """The camera of `ready` that waits longest for its turn; None where none is due.

        Half of its time too early is in time, since the next turn is not moved by that: a picture
        that came is looked at, and nobody wakes up again for it.
        """
        due = [x for x in self._due if x in ready and self._due[x] - self._early[x] <= now_ms]
        self._note_waits(ready, now_ms)
        return min(due, key=self._due.__getitem__, default=None)

    def done(self, camera: str, period_ms: int, now_ms: int) -> None:
        """Set the next deadline; turns that were missed are not made up for.

        A picture that came before its turn moves the turns a little: those that come at the right
        pace would all wait, and be woken up for twice.
        """
        next_ms = self._due[camera] + period_ms - -(-self._waited.pop(camera, 0) // _PULL)
        self._empty.discard(camera)
        self._due[camera] = max(next_ms, now_ms)
        self._early[camera] = period_ms // 2 if next_ms > now_ms else 0

    def _note_waits(self, ready: Collection[str], now_ms: int) -> None:
        """How long a picture must wait that comes while its camera had none."""
        for camera, due_ms in self._due.items():
            if camera not in ready:
                self._empty.add(camera)
            elif camera in self._empty and camera not in self._waited:
                self._waited[camera] = max(0, due_ms - self._early[camera] - now_ms)

    def wait_ms(self, ready: Collection[str], now_ms: int) -> int | None:
        """How long until one of `ready` is due; None where none is ready."""
        due = [self._due[camera] - self._early[camera] for camera in ready]
        return max(0, min(due) - now_ms) if due else None
