"""What a request at the control socket asks for: an order for a node, or a person's act."""

import re
import secrets
from typing import Any

from haidang_wire import messages
from haidang_wire.errors import MessageError
from haidang_wire.jsontext import read

from haidang_gateway.commands import Resend, Wish, act_of
from haidang_gateway.fleet.order import Order
from haidang_gateway.text import printable

LONGEST_WAIT_S = 3600
# What a person at the gateway may do to alarms; the centre may do the same.
ACTS = ("ack_alarm", "dismiss_alarm", "shelve_alarm", "report", "exercise")
_NAME_LENGTH = 40
_BY_LENGTH = 80
_ID = re.compile(r"[A-Za-z0-9-]{1,24}")


def asked(line: bytes, visitor: str, now_ms: int) -> Order | Wish:
    """The order or the act in a request; ValueError or WireError says what is wrong.

    `visitor` is the account at the other end, as the kernel knows it.
    """
    # A terminal in another encoding makes halves of surrogate pairs, which no database takes.
    request = read(line, len(line), MessageError)
    wait_s = request.get("wait_s") if isinstance(request, dict) else None
    if not isinstance(wait_s, int) or not 1 <= wait_s <= LONGEST_WAIT_S:
        raise ValueError(f"wait_s must be 1 to {LONGEST_WAIT_S}")
    exp_ms = now_ms + wait_s * 1000
    if "act" in request:
        return _wish(request, visitor, exp_ms, now_ms)
    return _order(request, visitor, exp_ms)


def _order(request: dict[str, Any], visitor: str, exp_ms: int) -> Order:
    order_id = f"t-{secrets.token_hex(6)}"
    wish = {name: request.get(name) for name in ("node", "do", "args")}
    _check(order_id, "node_cmd", exp_ms, wish)
    return Order(
        id=order_id,
        origin="local",
        by=f"{str(request.get('by', '?'))[:_NAME_LENGTH]} ({visitor})",
        node=request["node"],
        do=request["do"],
        args=request["args"],
        exp_ms=exp_ms,
    )


def _wish(request: dict[str, Any], visitor: str, exp_ms: int, now_ms: int) -> Wish:
    """An act under the visitor's own name for it: asked again, it is the same one."""
    do, given, args = request["act"], request.get("id"), request.get("args")
    if do == "resend":
        return _resend(str(given), args)
    if do not in ACTS:
        raise ValueError(f"act must be one of {', '.join(ACTS)}")
    if not (isinstance(given, str) and _ID.fullmatch(given)):
        raise ValueError("id must be 1 to 24 letters, digits or hyphens")
    if not isinstance(args, dict):
        raise ValueError("args must be an object")  # noqa: TRY004 (said to the visitor like the others)
    if do != "report" or "by" not in args:
        args = args | {"by": _by(str(request.get("by", "?")), visitor)}
    name = f"{visitor}/{given}"
    _check(given, do, exp_ms, args)
    return Wish(id=name, topic=None, what=act_of(do, args, now_ms), local=True)


def _resend(given: str, args: Any) -> Wish:
    name = args.get("destination") if isinstance(args, dict) else None
    if not isinstance(name, str) or not _ID.fullmatch(given):
        raise ValueError("destination must be a name")
    return Wish(id=given, topic=None, what=Resend(name), local=True)


def _by(name: str, visitor: str) -> str:
    # The account is never cut off: the name beside it is only what the visitor says.
    account = f" ({visitor})"
    return printable(name)[: _BY_LENGTH - len(account)] + account


def _check(command: str, do: str, exp_ms: int, args: dict[str, Any]) -> None:
    messages.check("centre_cmd", {"id": command, "do": do, "exp_ms": exp_ms, "args": args})
