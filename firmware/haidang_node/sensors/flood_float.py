"""A float switch in the street: alone, or beside a level meter as its witness."""

from micropython import const

from haidang_node.sensors.flood import Flood
from haidang_wire.senml_text import Record

_TICKS_MASK = const((1 << 30) - 1)
_STATES = ("normal", "watch", "warning", "danger")
# A float dances on waves: to change it needs eight looks more on the other side, 2 s at the least.
_LOOKS = const(4)
_PERIOD_MS = const(250)
# Beyond this one of the two lies, when it lasts; waves and the float's own hysteresis are less.
_AGREE_MM = const(100)
_AGAINST_MS = const(60000)


class Float:
    """The switch without its dancing. closed() is 1 while the water lifts it."""

    def __init__(self, closed) -> None:
        self._closed = closed
        self._looks = 0
        self.up = False
        self.known = False
        self.restless = True

    def look(self) -> None:
        """One look. Allocates nothing."""
        step = 1 if self._closed() else -1
        self._looks = max(-_LOOKS, min(_LOOKS, self._looks + step))
        self.restless = -_LOOKS < self._looks < _LOOKS
        if not self.restless:
            self.up = self._looks > 0
            self.known = True


class FloatAlone:
    """Open or closed is all that is known; the state is the one of its height."""

    kind = "flood"
    period_ms = _PERIOD_MS

    def __init__(self, settings: dict, closed) -> None:
        self._float = Float(closed)
        self._wet = _STATES[_rank(settings)]
        self._at_ms = 0
        self._told = ""
        self.health = "warming"
        self.state = "normal"

    def sample(self, now_ms: int) -> None:
        """Looks at the switch."""
        self._at_ms = now_ms
        self._float.look()
        if self._float.known:
            self.health = "ok"
            self.state = self._wet if self._float.up else "normal"

    def changed(self) -> bool:
        """Whether the state differs from what was last told; the new one counts as told."""
        if self.health != "ok" or self.state == self._told:
            return False
        self._told = self.state
        return True

    def resume(self, state: str, health: str, now_ms: int) -> None:
        """What was told before a deep sleep."""
        del health, now_ms
        self._told = self.state = state

    def float_up(self) -> bool:
        """Whether the water lifts it."""
        return self._float.up

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.state == "normal" and self.health == "ok"

    def records(self) -> list:
        """Health, then switch and state."""
        records = [Record("flood/health", self.health, self._at_ms)]
        if self.health == "ok":
            records.append(Record("flood/float", self._float.up, self._at_ms))
            records.append(Record("flood/state", self.state, self._at_ms))
        return records

    state_records = records


class FloodAndFloat(Flood):
    """A closed float lifts the state to that of its height, whatever the meter says or does.

    Meter and float that contradict each other for a minute are a fault: stuck.
    """

    def __init__(self, closed, settings: dict, *parts) -> None:
        super().__init__(settings, *parts)
        self._float = Float(closed)
        self._height_mm = settings["float_mm"]
        self._lifts = _rank(settings)
        self._against_ms = -1

    def sample(self, now_ms: int) -> None:
        """The meter's step, then the float's."""
        super().sample(now_ms)
        self._float.look()
        up = self._float.up
        rank = self.rank
        self.state = _STATES[max(rank, self._lifts) if up else rank]
        above_mm = self.gauge.level_mm - self._height_mm
        against = above_mm < -_AGREE_MM if up else above_mm > _AGREE_MM
        if not against or self.health not in ("ok", "uncalibrated"):
            self._against_ms = -1
        elif self._against_ms < 0:
            self._against_ms = now_ms
        elif (now_ms - self._against_ms) & _TICKS_MASK >= _AGAINST_MS:
            # Held at the limit: the time wraps.
            self._against_ms = (now_ms - _AGAINST_MS) & _TICKS_MASK
            self.health = "stuck"
        if up or self._float.restless:
            self.period_ms = _PERIOD_MS

    def float_up(self) -> bool:
        """Whether the water lifts it."""
        return self._float.up

    def contradicts(self) -> bool:
        """Whether the float is what makes it stuck; for the self-test."""
        return self._against_ms >= 0

    def records(self) -> list:
        """The meter's records and the float; a closed float's state even where the meter fails."""
        records = super().records()
        at_ms = records[0].up_ms
        records.append(Record("flood/float", self._float.up, at_ms))
        if self._float.up and self.health not in ("ok", "uncalibrated"):
            records.append(Record("flood/state", self.state, at_ms))
        return records

    state_records = records


def _rank(settings: dict) -> int:
    # The state of the float's height, watch at the least.
    height_mm = settings["float_mm"]
    return 1 + (height_mm >= settings["warning_mm"]) + (height_mm >= settings["danger_mm"])
