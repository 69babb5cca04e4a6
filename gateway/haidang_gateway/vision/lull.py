"""When packets came, and how long to let the next ones gather before they are read. Pure.

Waking up for a packet costs more than reading it: those that nobody waits for are read together.
"""

from collections import deque

_WINDOW_MS = 2_000
# A stamp's clock that runs by more beside ours (2 %) is none: some formats number their pictures
# as if 25 came each second.
_MOST_DRIFT_MS = 40
_MOST_LAG_MS = 1_000
_STAMPS = 8
# In a file: pictures that are stored out of order lie nearer to each other than this, and a pause
# of more than a minute is the joint between two films.
_MOST_MIXED_MS, _LONGEST_STEP_MS = 400, 60_000
# What gathers must fit into the buffers of both ends: a camera that cannot send drops pictures.
_LONGEST_MS, _LONGEST_ASLEEP_MS, _MOST_BYTES = 200, 1_000, 100_000
_MARGIN_MS = 3
_PROBE_EVERY = 8


class Arrivals:
    """Tells from a stream's own time stamps when its packets came, however late they are read."""

    def __init__(self) -> None:
        """Trust no stamp yet: two windows of two seconds must agree first."""
        self.trusted = False
        self._begun_ms: int | None = None
        self._least_ms = self._before_ms = 0
        self._windows = 0

    def came_ms(self, stamp_ms: float | None, now_ms: int) -> int:
        """When a packet that is read at `now_ms` came; that time itself while in doubt."""
        if stamp_ms is None:
            self._forget()
            return now_ms
        offset_ms = int(now_ms - stamp_ms)
        if self._begun_ms is None:
            self._begun_ms, self._least_ms, self._windows = now_ms, offset_ms, 0
        self._least_ms = min(self._least_ms, offset_ms)
        if now_ms - self._begun_ms >= _WINDOW_MS:
            drift_ms = abs(self._least_ms - self._before_ms)
            self.trusted = self._windows > 0 and drift_ms <= _MOST_DRIFT_MS
            self._windows += 1
            self._before_ms = self._least_ms
            self._least_ms, self._begun_ms = offset_ms, now_ms
        if not self.trusted:
            return now_ms
        lag_ms = offset_ms - min(self._least_ms, self._before_ms)
        if lag_ms > _MOST_LAG_MS:
            self._forget()
            return now_ms
        return now_ms - lag_ms

    def _forget(self) -> None:
        self.trusted, self._begun_ms = False, None


class Schedule:
    """Tells when a file's packets are due, by their stamps counted from the first."""

    def __init__(self, start_ms: int) -> None:
        """The first packet is due at `start_ms`."""
        self._due_ms = start_ms
        self._step_ms = 0
        self._offset_ms: float | None = None

    def due_ms(self, stamp_ms: float | None) -> int:
        """When a packet is due: never before the last one, and with it where it has no stamp.

        Where the stamps begin anew, as those of films put one behind another, time goes on.
        """
        if stamp_ms is None:
            return self._due_ms
        if self._offset_ms is None:
            self._offset_ms = self._due_ms - stamp_ms
        step_ms = round(stamp_ms + self._offset_ms) - self._due_ms
        if not -_MOST_MIXED_MS <= step_ms <= _LONGEST_STEP_MS:
            step_ms = self._step_ms
            self._offset_ms = self._due_ms + step_ms - stamp_ms
        if step_ms > 0:
            self._step_ms = step_ms
            self._due_ms += step_ms
        return self._due_ms


class Lull:
    """Says how long nobody needs to read: until the packet comes that is waited for."""

    def __init__(self) -> None:
        """Know nothing of the packets' pace."""
        self._came: deque[int] = deque(maxlen=_STAMPS)
        self._bytes = 0.0
        self._was_key = False
        self._pauses = 0

    def note(self, came_ms: int, size_bytes: int, *, is_key: bool = False) -> None:
        """A packet came; a pause of the stream, or time that goes back, begins anew.

        Those that gather lie between two key frames, each many times as large as they.
        """
        if self._came and not 0 < came_ms - self._came[-1] <= _MOST_LAG_MS:
            self._came.clear()
        self._came.append(came_ms)
        if not is_key or self._was_key:
            self._bytes += (size_bytes - self._bytes) / _STAMPS
        self._was_key = is_key

    def pause_ms(self, now_ms: int, wanted_ms: int | None, *, asleep: bool = False) -> int:
        """How long to leave the packets alone; 0: read on.

        The next one that is looked at comes at `wanted_ms` or after; None: nobody knows. While
        the camera is `asleep`, those before it gather for longer. Behind the stream nothing is
        paused. Now and then it ends a little early, to see them come.
        """
        if len(self._came) < _STAMPS:
            return 0
        last_ms = self._came[-1]
        step_ms = (last_ms - self._came[0]) / (_STAMPS - 1)
        if last_ms + step_ms <= now_ms:
            return 0
        # A fifth of a step more: the third packet of 15 a second comes after 200 ms, or 201.
        longest_ms = _LONGEST_MS
        if asleep and wanted_ms is not None:
            # Foreseen to a few milliseconds: a packet too early is better than one too late.
            longest_ms, wanted_ms = _LONGEST_ASLEEP_MS, wanted_ms - int(step_ms / 5)
        steps = int((now_ms + longest_ms - last_ms) / step_ms + 0.2)
        steps = min(steps, int(_MOST_BYTES / max(self._bytes, 1.0)))
        if wanted_ms is not None:
            steps = min(steps, -int((last_ms - wanted_ms) // step_ms))
        if steps < 2:
            return 0
        self._pauses += 1
        margin_ms = -_MARGIN_MS if self._pauses % _PROBE_EVERY == 0 else _MARGIN_MS
        return max(0, int(last_ms + steps * step_ms + margin_ms) - now_ms)
