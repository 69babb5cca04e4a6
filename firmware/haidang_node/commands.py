"""Commands from the gateway: each id is executed once, its number saved before it is."""

import json

from micropython import const

from haidang_node import log
from haidang_node.errors import CommandError

_REMEMBERED = const(32)
_LOG = log.Log("commands")


class Commands:
    """Refuses what is old, repeated or unknown, executes the rest.

    `actions` maps a command's name to a function(args) -> (out, after); `after`, if not None, is
    called when the reply has been sent.
    """

    def __init__(self, path: str, actions: dict) -> None:
        self._path = path
        self._actions = actions
        self._ids: list = []
        self._unsaved = ""

    def open(self) -> None:
        """Reads the ids of executed commands."""
        try:
            with open(self._path) as file:
                self._ids = json.load(file)
        except (OSError, ValueError):
            self._ids = []

    def accept(self, command: dict) -> bool:
        """Saves the id; False where this command was taken before. After True, acknowledge it.

        A command whose id flash refuses is answered, not executed: it could come again for ever.
        """
        if command["id"] in self._ids:
            _LOG.debug("command %s came again", command["id"])
            return False
        self._ids.append(command["id"])
        del self._ids[:-_REMEMBERED]
        self._unsaved = ""
        try:
            with open(self._path, "w") as file:
                json.dump(self._ids, file)
        except OSError as error:
            self._unsaved = str(error)
        return True

    def execute(self, command: dict, unix_ms: int | None) -> tuple:
        """The reply and what to call after sending it (or None)."""
        try:
            if self._unsaved:
                raise CommandError(
                    "flash refused to save the command: %s" % self._unsaved,
                    "look at the node's queue; replace the board if its flash is worn out",
                )
            _check_expiry(command, unix_ms)
            action = self._actions.get(command["do"])
            if action is None:
                raise CommandError(
                    "%s is not supported by this firmware yet" % command["do"],
                    "update the firmware or do it by USB",
                )
            out, after = action(command.get("args") or {})
        except CommandError as error:
            _LOG.warning("command %s refused: %s", command["id"], error)
            reply = {"id": command["id"], "ok": False, "err": str(error), "hint": error.hint}
            return reply, None
        _LOG.info("command %s executed: %s", command["id"], command["do"])
        return {"id": command["id"], "ok": True, "out": out}, after


def _check_expiry(command: dict, unix_ms: int | None) -> None:
    if unix_ms is None:
        raise CommandError("the clock is not set", "try again when the gateway has given the time")
    if unix_ms > command["exp_ms"]:
        raise CommandError("the command has expired", "send it again")
