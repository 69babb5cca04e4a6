"""Which commands of the centre were carried out, and what was answered: none counts twice."""

from typing import Any

# As many as the orders for nodes that are recognised when they come again.
KEPT = 200
KEY = "handled"


class Handled:
    """The answers to the last commands by id, kept with the rules' states."""

    def __init__(self, state: dict[str, Any]) -> None:
        """`state` as `note` made it; an empty one at first."""
        self._said: dict[str, Any] = dict(state.get("said", {}))

    def said(self, command: str, meaning: str) -> dict[str, Any] | None:
        """The answer that the very same command got before; None for a new one."""
        known = self._said.get(command)
        return known["said"] if known and known["meaning"] == meaning else None

    def note(self, command: str, meaning: str, said: dict[str, Any]) -> dict[str, Any]:
        """Remember an answer; the state to store in the same commit."""
        self._said.pop(command, None)
        self._said[command] = {"meaning": meaning, "said": said}
        self._said = dict(list(self._said.items())[-KEPT:])
        return {"said": self._said}
