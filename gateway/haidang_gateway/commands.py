"""Commands of the operations centre: read, judged by their expiry, told apart by meaning."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from haidang_wire import messages, topics
from haidang_wire.errors import WireError

from haidang_gateway.fleet.order import Order
from haidang_gateway.model import AckAlarm

_log = logging.getLogger(__name__)

_ID_LENGTH = 64
_HERE = "the operations centre"


@dataclass(frozen=True, slots=True)
class Resync:
    """All open alarms are wanted once more."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command is not carried out, and what to do instead."""

    err: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A command of the centre: its id, where its answer goes (None: nowhere), what it means."""

    id: str
    topic: str | None
    what: AckAlarm | Order | Resync | Refused


def wish_of(payload: bytes, gateway: str, now_ms: int) -> Wish | None:
    """What a command means; None, with a word in the log, where nobody can be answered.

    An expired command is refused: the situation it was meant for is over.
    """
    try:
        command = messages.decode("centre_cmd", payload)
    except WireError as error:
        _log.warning("a command of the operations centre is not readable: %r", str(error))
        return _unreadable(payload, gateway, str(error))
    topic = command.get("reply")
    if topic is not None and not _is_ours(topic, gateway):
        _log.warning("command %r wants its answer on %r, not below ours", command["id"], topic)
        return None
    return Wish(id=command["id"], topic=topic, what=_meaning(command, topic, now_ms))


def _meaning(
    command: dict[str, Any], topic: str | None, now_ms: int
) -> AckAlarm | Order | Resync | Refused:
    args, do = command.get("args", {}), command["do"]
    if do == "node_cmd":
        # Judged by whoever keeps the orders: one that came before is answered as before.
        return Order(
            id=command["id"],
            origin="centre",
            by=args.get("by", _HERE),
            node=args["node"],
            do=args["do"],
            args=args.get("args", {}),
            exp_ms=command["exp_ms"],
            topic=topic,
        )
    if command["exp_ms"] <= now_ms:
        return Refused("the command had expired when it came", "send it again")
    if do == "ack_alarm":
        return AckAlarm(alarm_id=args["alarm_id"], by=args["by"], at_ms=now_ms, received_ms=now_ms)
    if do == "resync":
        return Resync()
    return Refused(f"this gateway does not know how to {do} yet", "update the gateway")


def _unreadable(payload: bytes, gateway: str, reason: str) -> Wish | None:
    """An answer is possible where id and topic can still be read."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    name, topic = document.get("id"), document.get("reply")
    if not (isinstance(name, str) and 0 < len(name) <= _ID_LENGTH):
        return None
    if not (isinstance(topic, str) and _is_ours(topic, gateway)):
        return None
    return Wish(id=name, topic=topic, what=Refused(reason, "see docs/reference.md, centre_cmd"))


def _is_ours(topic: str, gateway: str) -> bool:
    """Nobody may have the gateway publish just anywhere."""
    try:
        parsed = topics.parse(topic)
    except WireError:
        return False
    return bool(parsed.scope == "g" and parsed.owner == gateway and parsed.kind == "reply")
