"""Whether a command may be executed, and the replies of those that were not; loaded on demand."""

from micropython import const

from haidang_node import log
from haidang_node.errors import CommandError

# The longest a reply's text may be: all mistakes of a configuration.
_ERROR_CHARS = const(1000)
_LOG = log.Log("commands")


def args_of(order: dict, unix_ms: int | None) -> dict:
    """The arguments of a command that may be executed now, else CommandError."""
    if unix_ms is None:
        raise CommandError("the clock is not set", "try again when the gateway has given the time")
    if unix_ms > order["exp_ms"]:
        raise CommandError("the command has expired", "send it again")
    args = order.get("args")
    if args is not None and not isinstance(args, dict):
        raise CommandError("args must be an object in { }", "see the contract's reference")
    return args or {}


def failed(order: dict, error: Exception) -> dict:
    """The reply of a command that ended with this error."""
    if isinstance(error, CommandError):
        _LOG.warning("command %s refused: %s", order["id"], error)
        return refusal(order["id"], str(error), error.hint)
    _LOG.error("command %s failed: %s", order["id"], repr(error))
    return refusal(order["id"], repr(error), "look at the node's log")


def refusal(order_id: str, text: str, hint: str) -> dict:
    """The reply of a command that was not done."""
    return {"id": order_id, "ok": False, "err": text[:_ERROR_CHARS], "hint": hint}
