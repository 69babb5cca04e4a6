"""Alarm documents and what gateway and centre tell each other; never loaded on a node."""

from haidang_wire.document_fields import add_types
from haidang_wire.document_forms import alarm_id, epoch, iso_time, message_id, node, sha256_name
from haidang_wire.document_words import (
    ALARM_STATES,
    CERTAINTIES,
    EVIDENCE_KINDS,
    HAZARDS,
    SEVERITIES,
    STATUSES,
    URGENCIES,
)
from haidang_wire.errors import MessageError
from haidang_wire.fields import check_table
from haidang_wire.jsontext import read, write
from haidang_wire.messages import OFFLINE
from haidang_wire.senml_reading import pack_of
from haidang_wire.vocabulary import SENSOR_HEALTH
from haidang_wire.words import NODE_COMMANDS

__all__ = (
    "ALARM",
    "DOCUMENTS",
    "alarm_id",
    "epoch",
    "iso_time",
    "message_id",
    "node",
    "sha256_name",
    "unwrap_alarm",
    "wrap_alarm",
    "wrap_packs",
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

_KIB = 1024
_COUNT = (0, 0x1FFFFFFFFFFFFF)

add_types()

_PLACE = (
    ("id", True, "str", (1, 64)),
    ("name", True, "str", (1, 120)),
    ("name_en", False, "str", (1, 120)),
    ("lat", True, "num", (-90, 90)),
    ("lon", True, "num", (-180, 180)),
    ("radius_m", True, "num", (0, 100000)),
)

_EVIDENCE = (
    ("source", True, "str", (1, 80)),
    ("kind", True, "word", EVIDENCE_KINDS),
    ("name", False, "str", (1, 64)),
    ("value", False, "scalar", 200),
    ("unit", False, "str", (1, 16)),
    ("score", False, "num", (0, 1)),
    ("box", False, "list?", ("num", (0, 1), 4, 4)),
    ("time", True, "form", iso_time),
    ("snapshot", False, "form?", sha256_name),
)

ALARM = (
    ("v", True, "version", 1),
    ("id", True, "form", alarm_id),
    ("rev", True, "int", (1, 1000000)),
    ("prev", True, "form?", sha256_name),
    ("status", True, "word", STATUSES),
    ("hazard", True, "word", HAZARDS),
    ("state", True, "word", ALARM_STATES),
    ("ack", True, "obj?", (("by", True, "str", (1, 80)), ("at", True, "form", iso_time))),
    ("severity", True, "word", SEVERITIES),
    ("urgency", True, "word", URGENCIES),
    ("certainty", True, "word", CERTAINTIES),
    ("place", True, "obj", _PLACE),
    ("onset", True, "form", iso_time),
    ("updated", True, "form", iso_time),
    ("cleared", True, "form?", iso_time),
    ("evidence", True, "list", ("obj", _EVIDENCE, 0, 64)),
    ("health", True, "map", ("word", SENSOR_HEALTH, 64)),
    (
        "headline",
        True,
        "obj",
        (("vi", True, "str", (1, 200)), ("en", True, "str", (1, 200))),
    ),
    (
        "shelved",
        False,
        "obj?",
        (("by", True, "str", (1, 80)), ("until", True, "form", iso_time)),
    ),
)

_LEDGER = (
    ("received", True, "int", _COUNT),
    ("duplicates", True, "int", _COUNT),
    ("late", True, "int", _COUNT),
    ("lost", True, "int", _COUNT),
    ("dropped", True, "int", _COUNT),
    ("quarantined", True, "int", _COUNT),
)

_SENT = (
    ("alarms", True, "int", _COUNT),
    ("packs", True, "int", _COUNT),
    ("messages", True, "int", _COUNT),
)

_OVERFLOW = (
    ("inbox", True, "int", _COUNT),
    ("rows", True, "int", _COUNT),
    ("frames", True, "int", _COUNT),
    ("quarantine", False, "int", _COUNT),
    ("replies", False, "int", _COUNT),
)

_ACKS = (
    ("late", True, "int", _COUNT),
    ("foreign", True, "int", _COUNT),
    ("unheard", True, "int", _COUNT),
)

_ORDERS = (
    ("waiting", True, "int", _COUNT),
    ("taken", True, "int", _COUNT),
    ("refused", True, "int", _COUNT),
    ("expired", True, "int", _COUNT),
)

_DESTINATION = (
    ("name", True, "str", (1, 40)),
    ("mode", True, "word", ("acked", "broker-only")),
    ("connected", True, "bool", None),
    ("mqtt", True, "word", ("5", "3.1.1")),
    ("queue", True, "int", _COUNT),
    ("queue_alarms", True, "int", _COUNT),
    ("oldest_s", True, "num", _COUNT),
    ("sent", True, "int", _COUNT),
    ("refused", True, "int", _COUNT),
    ("dropped_packs", True, "int", _COUNT),
    ("dropped_alarms", True, "int", _COUNT),
    ("dead", True, "int", _COUNT),
)

# Where the audit chain ends: a centre that keeps it notices a chain that goes back.
_AUDIT = (
    ("n", True, "int", _COUNT),
    ("chain", True, "form", sha256_name),
)

_STORMS = (
    ("floods", True, "int", _COUNT),
    ("chattering", True, "int", _COUNT),
)

_GATEWAY_ONLINE = (
    ("v", True, "version", 1),
    ("state", True, "word", ("online",)),
    ("version", True, "str", (1, 32)),
    ("epoch", True, "form", epoch),
    ("queue", True, "int", _COUNT),
    ("queue_alarms", True, "int", _COUNT),
    ("oldest_s", True, "num", _COUNT),
    ("nodes_up", True, "int", _COUNT),
    ("nodes_down", True, "int", _COUNT),
    ("cameras_up", True, "int", _COUNT),
    ("cameras_down", True, "int", _COUNT),
    ("ledger", True, "obj", _LEDGER),
    ("sent", True, "obj", _SENT),
    ("overflow", False, "obj", _OVERFLOW),
    ("nodes_safe", False, "int", _COUNT),
    ("acks", False, "obj", _ACKS),
    ("orders", False, "obj", _ORDERS),
    ("destinations", False, "list", ("obj", _DESTINATION, 0, 16)),
    ("destinations_more", False, "int", _COUNT),
    ("audit", False, "obj", _AUDIT),
    ("storms", False, "obj", _STORMS),
    ("at", True, "form", iso_time),
)

_COMMAND = (
    ("id", True, "str", (1, 64)),
    ("do", True, "str", (1, 16)),
    ("exp_ms", True, "int", _COUNT),
    ("reply", False, "str", (1, 128)),
)


_FREE_ARGUMENTS = (("args", False, "any", None),)


def _command(*args: "Any") -> "Any":
    table = (("args", True, "obj", args),)
    return _COMMAND + table


# What an exercise puts in: a sensor's word, a camera's or a person's, never a real one.
_STIMULUS = (
    ("kind", True, "word", ("smoke", "fire", "flood", "report")),
    ("state", True, "str", (1, 16)),
    ("source", False, "str", (1, 40)),
)

_CENTRE_COMMANDS = {
    "ack_alarm": _command(("alarm_id", True, "form", alarm_id), ("by", True, "str", (1, 80))),
    "dismiss_alarm": _command(("alarm_id", True, "form", alarm_id), ("by", True, "str", (1, 80))),
    "shelve_alarm": _command(
        ("alarm_id", True, "form", alarm_id),
        ("by", True, "str", (1, 80)),
        ("until", True, "form", iso_time),
    ),
    "report": _command(
        ("hazard", True, "word", HAZARDS),
        ("place", True, "str", (1, 64)),
        ("by", True, "str", (1, 80)),
        ("text", False, "str", (0, 500)),
        ("time", True, "form", iso_time),
    ),
    "exercise": _command(
        ("place", True, "str", (1, 64)),
        ("until", True, "form", iso_time),
        ("by", False, "str", (1, 80)),
        ("inject", False, "obj", _STIMULUS),
    ),
    "node_cmd": _command(
        ("node", True, "form", node),
        ("do", True, "word", NODE_COMMANDS),
        ("args", False, "any", None),
        ("by", False, "str", (1, 80)),
    ),
    "resync": _COMMAND + _FREE_ARGUMENTS,
}

_REPLY = (
    ("id", True, "form", message_id),
    ("cmd", True, "str", (1, 64)),
    ("ok", True, "bool", None),
    ("node", False, "form", node),
    ("do", False, "str", (1, 16)),
)

_DONE = (
    ("out", False, "any", None),
    ("more", False, "bool", None),
    ("at", True, "form", iso_time),
)

_NOT_DONE = (
    ("err", True, "str", (1, 1000)),
    ("hint", False, "str", (0, 400)),
    ("at", True, "form", iso_time),
)

# kind: (table, maximum bytes)
DOCUMENTS = {
    "alarm": (ALARM, 64 * _KIB),
    "alarm_message": (
        (("id", True, "form", message_id), ("alarm", True, "obj", ALARM)),
        65 * _KIB,
    ),
    "data_message": (
        (("id", True, "form", message_id), ("packs", True, "list", ("pack", pack_of, 1, 1000))),
        4096 * _KIB,
    ),
    "gateway_status": (("state", {"online": _GATEWAY_ONLINE, "offline": OFFLINE}), 8 * _KIB),
    "centre_ack": (
        (("epoch", True, "form", epoch), ("s", True, "ranges", 1000)),
        64 * _KIB,
    ),
    "centre_cmd": (("do", _CENTRE_COMMANDS), 8 * _KIB),
    "centre_reply": (("ok", {True: _REPLY + _DONE, False: _REPLY + _NOT_DONE}), 16 * _KIB),
}


def wrap_alarm(message: str, document: bytes) -> bytes:
    """The `alarm_message` around a stored revision, whose bytes stay as they are."""
    return b'{"id":' + write(message).encode() + b',"alarm":' + document + b"}"


def unwrap_alarm(data: bytes) -> tuple[str, bytes]:
    """Message id and the exact bytes of the revision, what the next `prev` is the hash of."""
    table, maximum_bytes = DOCUMENTS["alarm_message"]
    doc = read(data, maximum_bytes, MessageError)
    check_table(table, doc, "alarm_message")
    start = wrap_alarm(doc["id"], b"")[:-1]
    if data[: len(start)] != start or data[-1:] != b"}":
        raise MessageError("alarm_message: is not compact JSON of id and alarm, in this order")
    return doc["id"], data[len(start) : -1]


def wrap_packs(message: str, packs: "list[bytes]") -> bytes:
    """The `data_message` around resolved packs, whose bytes stay as they are."""
    return b'{"id":' + write(message).encode() + b',"packs":[' + b",".join(packs) + b"]}"
