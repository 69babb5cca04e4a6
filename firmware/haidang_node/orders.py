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
# Replies that are not acknowledged are due again after this long, doubling to the other.
_RETRY_MS = const(5000)
_RETRY_CAP_MS = const(60000)
PATH = "/outbox/orders"
_COMMANDS = "haidang_node.commands"
_REFUSALS = "haidang_node.refusals"
_LOG = log.Log("orders")


def module_of(do: str) -> str:
    """The module whose perform() executes a command: the large ones need all the room there is."""
    if do == "selftest":
        return "haidang_node.upkeep"
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
        # How many of the owed, from the oldest on, were given out since all of them were due.
        self._said = 0
        self._again_ms = 0
        self._wait_ms = _RETRY_MS
        self._after: tuple | None = None

    def open(self) -> None:
        """Reads the replies that an earlier boot still owed."""
        try:
            with open(self._path) as file:
                owed = json.loads(file.readline())
        except (OSError, ValueError):
            owed = None
        self._owed = owed[-_OWED:] if isinstance(owed, list) else []

    def begin(self) -> None:
        """A new connection: what was not accepted will come again."""
        self._waiting = []
        self.again()

    def again(self) -> None:
        """All owed replies are due now: who heard them may have forgotten them."""
        self._said = 0
        self._wait_ms = _RETRY_MS

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

    def accept(self) -> tuple | None:
        """Saves the oldest order's id: (its tag, its id, whether it is new). Then acknowledge.

        None where memory is short: it waits for the next turn, and nothing else waits for it.
        """
        tag, order = self._waiting[0]
        try:
            # None: new and saved; a reply: what to say instead of executing it, {}: nothing.
            instead = loading.call(_COMMANDS, "accept", self._path, order["id"], self._owed)
        except MemoryError:
            return None
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
        while len(self._owed) > _OWED:
            _LOG.error("reply to %s is dropped: the gateway takes none", self._owed.pop(0)["id"])
            self._said = max(0, self._said - 1)
        if save:
            loading.call(_COMMANDS, "keep", self._path, self._owed)

    @property
    def owing(self) -> bool:
        """Whether a reply is not committed yet."""
        return bool(self._owed)

    def reply(self, now_ms: int) -> bytes | None:
        """The next reply that is due, in their order: none waits for another's commit."""
        if now_ms >= self._again_ms and self._said:
            self._said = 0
            self._wait_ms = min(2 * self._wait_ms, _RETRY_CAP_MS)
        if self._said == len(self._owed):
            return None
        self._said += 1
        self._again_ms = now_ms + self._wait_ms
        return encode(self._owed[self._said - 1])

    def told(self, crc: int) -> bool:
        """The gateway has committed the reply of this CRC-32; whether one like it was owed."""
        # Of what was given out alone: a word about an earlier reply to a command may come late.
        for at in range(self._said):
            if binascii.crc32(encode(self._owed[at])) == crc:
                reply = self._owed.pop(at)
                self._said -= 1
                self._wait_ms = _RETRY_MS
                loading.call(_COMMANDS, "keep", self._path, self._owed, reply)
                return True
        return False

    def step(self, now_ms: int) -> None:
        """Does what comes after a reply; call in each turn of the link."""
        if self._after and now_ms >= self._after[1]:
            self._after[0]()
