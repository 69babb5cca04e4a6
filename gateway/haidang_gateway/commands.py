"""Commands of the operations centre: read, judged by their expiry, told apart by meaning."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from haidang_wire import messages, topics
from haidang_wire.errors import WireError

from haidang_gateway.alarms.fusion import PERSON
from haidang_gateway.alarms.levels import is_stale
from haidang_gateway.batch import CENTRE
from haidang_gateway.fleet.order import Order
from haidang_gateway.model import (
    AckAlarm,
    DismissAlarm,
    Exercise,
    FireSeen,
    FloodFact,
    Injected,
    Report,
    ShelveAlarm,
    SmokeFact,
    Stimulus,
)

_log = logging.getLogger(__name__)

_ID_LENGTH = 64
_HERE = "the operations centre"
_REPORTED = ("fire", "flood", "crowd")
_STIMULI = {
    "smoke": ("normal", "pre_alarm", "alarm"),
    "fire": ("fire", "smoke", "quiet"),
    "flood": ("normal", "watch", "warning", "danger"),
    "report": _REPORTED,
}
# The contract has 80 characters for a source.
_SOURCE_LENGTH = 80 - len(PERSON)


@dataclass(frozen=True, slots=True)
class Resync:
    """All open alarms are wanted once more."""


@dataclass(frozen=True, slots=True)
class Resend:
    """What a destination refused is to be sent to it once more."""

    destination: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command is not carried out, and what to do instead."""

    err: str
    hint: str


Act = AckAlarm | DismissAlarm | ShelveAlarm | Report | Exercise | Injected
Meaning = Act | Order | Resync | Resend | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a destination wishes, or a person at this gateway (`local`), and what it means.

    `topic` is where the answer goes, to the destination `origin`; None: nowhere.
    """

    id: str
    topic: str | None
    what: Meaning
    local: bool = False
    origin: str = CENTRE


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


def act_of(do: str, args: dict[str, Any], now_ms: int) -> Act | Refused:
    """What a person does or saw, as a fact for the rules; the arguments keep the contract."""
    when = {"at_ms": now_ms, "received_ms": now_ms}
    by = args.get("by", _HERE)
    match do:
        case "ack_alarm":
            return AckAlarm(alarm_id=args["alarm_id"], by=by, **when)
        case "dismiss_alarm":
            return DismissAlarm(alarm_id=args["alarm_id"], by=by, **when)
        case "shelve_alarm":
            until_ms = _unix_ms(args["until"])
            return ShelveAlarm(alarm_id=args["alarm_id"], by=by, until_ms=until_ms, **when)
        case "report":
            return _report(args, now_ms)
        case "exercise":
            return _exercise(args, by, now_ms)
    return Refused(f"this gateway does not know how to {do} yet", "update the gateway")


def _meaning(command: dict[str, Any], topic: str | None, now_ms: int) -> Meaning:
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
    if do == "resync":
        return Resync()
    return act_of(do, args, now_ms)


def _exercise(args: dict[str, Any], by: str, now_ms: int) -> Exercise | Injected | Refused:
    if "inject" in args:
        return _injected(args, now_ms)
    until_ms = _unix_ms(args["until"])
    place = args["place"]
    return Exercise(place=place, until_ms=until_ms, by=by, at_ms=now_ms, received_ms=now_ms)


def _report(args: dict[str, Any], now_ms: int) -> Report | Refused:
    hazard = args["hazard"]
    if hazard not in _REPORTED:
        return Refused(f"nobody reports {hazard}", f"report one of {', '.join(_REPORTED)}")
    at_ms = _unix_ms(args["time"])
    if is_stale(at_ms, now_ms):
        return Refused(
            "the report is older than 10 minutes",
            "report what is seen now, and compare the clocks",
        )
    return Report(
        source=f"{PERSON}{args['by'][:_SOURCE_LENGTH]}",
        place=args["place"],
        hazard=hazard,
        words=args.get("text", ""),
        at_ms=at_ms,
        received_ms=now_ms,
    )


def _injected(args: dict[str, Any], now_ms: int) -> Injected | Refused:
    """An exercise's stimulus; its source says for ever that it was one."""
    wish = args["inject"]
    kind, word = wish["kind"], wish["state"]
    if word not in _STIMULI[kind]:
        return Refused(f"{kind} cannot be {word}", f"write one of {', '.join(_STIMULI[kind])}")
    name = f"exercise:{wish.get('source', kind)}"
    where = {"place": args["place"], "at_ms": now_ms, "received_ms": now_ms}
    stimulus: Stimulus
    match kind:
        case "smoke":
            stimulus = SmokeFact(source=name, state=word, ratio=None, **where)
        case "flood":
            stimulus = FloodFact(source=name, state=word, level_mm=None, rate_mm_h=None, **where)
        case "report":
            stimulus = Report(source=PERSON + name, hazard=word, words="", **where)
        case _:
            seen: Literal["fire", "smoke"] = "smoke" if word == "smoke" else "fire"
            stimulus = FireSeen(
                source=name, kind=seen, active=word != "quiet", score=1.0, box=None, **where
            )
    return Injected(stimulus=stimulus, at_ms=now_ms, received_ms=now_ms)


def _unix_ms(text: str) -> int:
    """A checked ISO 8601 time of the contract."""
    moment = datetime.fromisoformat(text)
    return round(moment.timestamp() * 1000)


def _unreadable(payload: bytes, gateway: str, reason: str) -> Wish | None:
    """An answer is possible where id and topic can still be read."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    name, topic = document.get("id"), document.get("reply")
    if not (isinstance(name, str) and 0 < len(name) <= _ID_LENGTH and _is_writable(name)):
        return None
    if not (isinstance(topic, str) and _is_ours(topic, gateway)):
        return None
    return Wish(id=name, topic=topic, what=Refused(reason, "see docs/reference.md, centre_cmd"))


def _is_writable(text: str) -> bool:
    """Not half of a surrogate pair: an answer with it could be neither stored nor sent."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _is_ours(topic: str, gateway: str) -> bool:
    """Nobody may have the gateway publish just anywhere."""
    try:
        parsed = topics.parse(topic)
    except WireError:
        return False
    return bool(parsed.scope == "g" and parsed.owner == gateway and parsed.kind == "reply")
