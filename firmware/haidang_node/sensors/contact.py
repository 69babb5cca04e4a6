"""A float switch or an alarm contact on the wake input of a battery node."""

from haidang_wire.senml_text import Record

# Alarm and rest state of what the input stands for; its sensor kind and record.
_MEANINGS = {
    "float": ("flood", "flood/float", "warning"),
    "contact": ("smoke", "smoke/contact", "alarm"),
}


class Contact:
    """Level of an input to state; the bounce of a contact is over after two equal samples."""

    period_ms = 250

    def __init__(self, meaning: str, level, active_level: int, alone: bool) -> None:
        """alone: no other sensor of the kind tells state and health."""
        self.kind, self._name, self._alarm = _MEANINGS[meaning]
        self._level = level
        self._active = active_level
        self._alone = alone
        self._last = -1
        self._told = ""
        self._at_ms = 0
        self.closed = False
        self.health = "warming"
        self.state = "normal"

    def sample(self, now_ms: int) -> None:
        """Reads the input."""
        self._at_ms = now_ms
        level = self._level()
        if level == self._last:
            self.closed = level == self._active
            self.state = self._alarm if self.closed else "normal"
            self.health = "ok"
        self._last = level

    def changed(self) -> bool:
        """Whether the state differs from what was last told; the new one counts as told."""
        if self.health != "ok" or self.state == self._told:
            return False
        self._told = self.state
        return True

    def resume(self, state: str, health: str, now_ms: int) -> None:
        """What was told before the sleep."""
        del health, now_ms
        self._told = self.state = state

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return not self.closed

    def records(self) -> list:
        """The input, and state and health where no other sensor tells them."""
        if self.health != "ok":
            return []
        records = [Record(self._name, self.closed, self._at_ms)]
        if self._alone:
            records.append(Record(self.kind + "/state", self.state, self._at_ms))
            records.append(Record(self.kind + "/health", self.health, self._at_ms))
        return records

    state_records = records
