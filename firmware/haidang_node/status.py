"""The status message: who the node is, and the ledger of its numbers.

The field tables of haidang_wire.messages would cost a sixth of the node's heap: they stay away,
and tests check against them what a node sends.
"""

import json

FIRMWARE = "0.1.0"
OFFLINE = b'{"v":1,"state":"offline"}'


class Status:
    """Makes the retained status message."""

    def __init__(
        self, identity, outbox, ledger, heartbeat_s: int, sensors: list, reset: str, told=None
    ) -> None:
        self.identity = identity
        self._outbox = outbox
        self._ledger = ledger
        self._heartbeat_s = heartbeat_s
        self._sensors = sensors
        self._reset = reset
        # Further fields: mode, cfg, fails, steps, why.
        self.told: dict = told or {}

    def message(self, up_ms: int) -> bytes:
        """The message as of now."""
        identity = self.identity
        # The gateway asks for every number that a status has told, also after a power cut.
        identity.save(self._outbox.lowest_loose())
        held = self._outbox.held(identity.epoch)
        document = {
            "v": 1,
            "state": "online",
            "fw": FIRMWARE,
            "slot": "a",
            "he": identity.epoch,
            "hb": identity.boot,
            "reset": self._reset,
            "up_ms": up_ms,
            "heartbeat_s": self._heartbeat_s,
            "sensors": self._sensors,
            "boots": self._ledger.boots(identity.epoch, identity.boot, identity.following, held),
        }
        if self._outbox.corrupt:
            document["corrupt"] = self._outbox.corrupt
        document.update(self.told)
        return encode(document)


def encode(message: dict) -> bytes:
    """Compact JSON of a message."""
    return json.dumps(message, separators=(",", ":")).encode()
