"""Commands between the link and their execution: saved, acknowledged, executed once, answered."""

import binascii
import json

from micropython import const

from haidang_node import loading, log
from haidang_node.status import encode

# A reply has this long to reach the broker before what its command does (a restart).
_AFTER_MS = const(2000)
_ID_CHARS = const(64)
# More than the session's receive maximum cannot wait.
_WAITING = const(16)
_OWED = const(8)
PATH = "/outbox/orders"
_COMMANDS = "haidang_node.commands"
_REFUSALS = "haidang_node.refusals"
_LOG = log.Log("orders")


def module_of(do: str) -> str:
    """The module whose perform() executes a command: these two need all the room there is."""
    changing = do in ("config", "calibrate")
    return "haidang_node.configure" if changing else "haidang_node.actions"


class Orders:
    """The link calls take() for what it hears, accept(), acknowledges, then follow().

    Replies stay owed, over restarts too, until told() says that the gateway has committed them.
    act(do, args, order id) executes one and returns (out, after) or raises CommandError; `after`,
    if not None, is called two seconds later. `path`: the file of executed ids and owed replies.
    """

    def __init__(self, path: str, act, clock) -> None:
        self._path = path
        self._act = act
        self._clock = clock
        self._waiting: list = []
        self._accepted: tuple | None = None
        self._owed: list = []
        # The reply that was given out last, and its CRC-32.
        self._said: tuple = (None, 0)
        self._after: tuple | None = None

    def open(self) -> None:
        """Reads the replies that an earlier boot still owed."""
        try:
            with open(self._path) as file:
                self._owed = json.loads(file.readline())
        except (OSError, ValueError):
            self._owed = []

    def begin(self) -> None:
        """A new connection: what was not accepted will come again."""
        self._waiting = []

    @property
    def waiting(self) -> bool:
        """Whether an order waits to be accepted."""
        return bool(self._waiting)

    def take(self, order: dict, tag: int = 0) -> bool:
        """Keeps an order for accept(); False where there is no room, so that it comes again.

        ValueError, KeyError or TypeError where it is no command of the contract.
        """
        if not (
            isinstance(order["id"], str)
            and 0 < len(order["id"]) <= _ID_CHARS
            and isinstance(order["do"], str)
            and isinstance(order["exp_ms"], int)
        ):
            raise ValueError("no command of the contract")
        if len(self._waiting) < _WAITING:
            self._waiting.append((tag, order))
        return True

    def accept(self) -> tuple:
        """Saves the oldest order's id: (its tag, its id, whether it is new). Then acknowledge."""
        tag, order = self._waiting[0]
        # None: new and saved; a reply: what to say instead of executing it, {}: nothing.
        instead = loading.call(_COMMANDS, "accept", self._path, order["id"], self._owed)
        # Not before: where memory was short it waits for the next turn.
        self._waiting.pop(0)
        self._accepted = (order, instead)
        return tag, order["id"], instead is None

    def follow(self, now_ms: int) -> None:
        """Executes the accepted order; its reply is owed from then on."""
        order, reply = self._accepted or (None, None)
        self._accepted = None
        if order is None:
            return
        if reply is None:
            reply, after = self._execute(order, self._clock.unix_ms(now_ms))
            # What would be told after a power cut in mid-execution; a trial's outcome may have
            # come behind it.
            self._owed = [owed for owed in self._owed if owed["id"] != order["id"]]
            if after:
                self._after = (after, now_ms + _AFTER_MS)
            self.owe(reply, after is not None)
        elif reply:
            self.owe(reply, False)

    def _execute(self, order: dict, unix_ms: int | None) -> tuple:
        try:
            args = loading.call(_REFUSALS, "args_of", order, unix_ms)
            # Only what the command itself needs is in memory meanwhile.
            out, after = self._act(order["do"], args, order["id"])
        except Exception as error:  # noqa: BLE001 - no command may end the link it came by
            return loading.call(_REFUSALS, "failed", order, error), None
        _LOG.info("command %s executed: %s", order["id"], order["do"])
        return {"id": order["id"], "ok": True, "out": out}, after

    def owe(self, reply: dict, save: bool) -> None:
        """Adds a reply to be told; `save` where the node may restart before that."""
        self._owed.append(reply)
        del self._owed[:-_OWED]
        if save:
            loading.call(_COMMANDS, "keep", self._path, self._owed)

    def reply(self) -> bytes | None:
        """The oldest reply that is owed."""
        if not self._owed:
            return None
        data = encode(self._owed[0])
        self._said = (self._owed[0], binascii.crc32(data))
        return data

    def told(self, crc: int) -> bool:
        """The gateway has committed a reply of this CRC-32; whether it was the oldest owed."""
        # A word about an earlier reply to the same command may come late.
        if not self._owed or self._said[0] is not self._owed[0] or self._said[1] != crc:
            return False
        reply = self._owed.pop(0)
        loading.call(_COMMANDS, "keep", self._path, self._owed, reply)
        return True

    def step(self, now_ms: int) -> None:
        """Does what comes after a reply; call in each turn of the link."""
        if self._after and now_ms >= self._after[1]:
            self._after[0]()
