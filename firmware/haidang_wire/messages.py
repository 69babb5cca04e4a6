"""The contract's JSON messages: check, encode, decode; tables of what a node sends and gets."""

from haidang_wire.errors import MessageError
from haidang_wire.fields import check_table, write_table
from haidang_wire.jsontext import read
from haidang_wire.naming import is_epoch
from haidang_wire.words import NODE_COMMANDS, NODE_MODES, SENSORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

NODE_MESSAGE_BYTES = 8192
_UINT32 = (0, 0xFFFFFFFF)
# JSON numbers are exact up to 2**53 in every reader.
_UPTIME = (0, 0x1FFFFFFFFFFFFF)

_BOOT = (
    ("hb", True, "int", _UINT32),
    ("next", True, "int", _UINT32),
    ("held", True, "ranges", 256),
    ("dropped", True, "drops", 256),
)

OFFLINE = (
    ("v", True, "version", 1),
    ("state", True, "word", ("offline",)),
)

_STATUS = (
    ("v", True, "version", 1),
    ("state", True, "word", ("online",)),
    ("fw", True, "str", (1, 32)),
    ("slot", True, "word", ("a", "b")),
    ("he", True, "form", is_epoch),
    ("hb", True, "int", _UINT32),
    ("reset", True, "str", (1, 16)),
    ("up_ms", True, "int", _UPTIME),
    ("heartbeat_s", True, "int", (1, 86400)),
    ("sensors", True, "list", ("word", SENSORS, 0, 8)),
    ("boots", True, "list", ("obj", _BOOT, 0, 64)),
    ("mode", False, "word", NODE_MODES),
    ("cfg", False, "form", is_epoch),
    ("corrupt", False, "int", _UINT32),
    ("fails", False, "int", _UINT32),
    ("steps", False, "int", _UINT32),
    ("why", False, "str", (1, 80)),
)

_GATEWAY_ONLINE = (
    ("v", True, "version", 1),
    ("state", True, "word", ("online",)),
)

# kind: table; the kinds that a node needs
NODE_MESSAGES = {
    "status": ("state", {"online": _STATUS, "offline": OFFLINE}),
    "offline": OFFLINE,
    "ack": (
        ("he", True, "form", is_epoch),
        ("hb", True, "int", _UINT32),
        ("s", True, "ranges", 256),
    ),
    "reply_ack": (("reply", True, "int", _UINT32),),
    "cmd": (
        ("id", True, "str", (1, 64)),
        ("do", True, "word", NODE_COMMANDS),
        ("args", False, "any", None),
        ("exp_ms", True, "int", _UPTIME),
    ),
    "reply": (
        "ok",
        {
            True: (
                ("id", True, "str", (1, 64)),
                ("ok", True, "bool", None),
                ("out", False, "any", None),
            ),
            False: (
                ("id", True, "str", (1, 64)),
                ("ok", True, "bool", None),
                ("err", True, "str", (1, 1000)),
                ("hint", False, "str", (0, 200)),
            ),
        },
    ),
    "time_request": (
        ("nonce", True, "int", _UINT32),
        ("up_ms", True, "int", _UPTIME),
    ),
    "time_answer": (
        ("nonce", True, "int", _UINT32),
        ("unix_ms", True, "int", _UPTIME),
    ),
    "gw_status": ("state", {"online": _GATEWAY_ONLINE, "offline": OFFLINE}),
}


def check(kind: str, doc: "Any") -> None:
    """MessageError naming the first field that breaks the contract; NewerVersion."""
    check_table(_entry(kind)[0], doc, kind)


def encode(kind: str, doc: "dict[str, Any]") -> bytes:
    """Checked compact JSON, fields in the table's order. MessageError, NewerVersion."""
    table, maximum_bytes = _entry(kind)
    check_table(table, doc, kind)
    data = write_table(table, doc).encode()
    if len(data) > maximum_bytes:
        raise MessageError("%s: %d bytes, at most %d" % (kind, len(data), maximum_bytes))
    return data


def decode(kind: str, data: bytes) -> "dict[str, Any]":
    """The checked message; unknown fields are kept. MessageError, NewerVersion."""
    table, maximum_bytes = _entry(kind)
    doc: dict[str, Any] = read(data, maximum_bytes, MessageError)
    check_table(table, doc, kind)
    return doc


def _entry(kind: str) -> "tuple[Any, int]":
    table = NODE_MESSAGES.get(kind)
    if table is not None:
        return table, NODE_MESSAGE_BYTES
    # Alarms and the gateway's own messages stay off a node's heap.
    from haidang_wire.documents import DOCUMENTS

    if kind not in DOCUMENTS:
        raise MessageError("%s is no kind of message" % repr(kind)[:60])
    entry: tuple[Any, int] = DOCUMENTS[kind]
    return entry
