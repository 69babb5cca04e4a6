"""Messages for the operations centre, before the store numbers them."""

from collections.abc import Mapping, Sequence
from typing import Any

from haidang_wire import messages
from haidang_wire.documents import wrap_alarm, wrap_packs
from haidang_wire.errors import MessageError
from haidang_wire.topics import gateway_topic

from haidang_gateway.batch import Draft
from haidang_gateway.metrics import iso_utc
from haidang_gateway.model import Revision

# The contract's limits for a reply to the centre.
_ERR_LENGTH = 1000
_HINT_LENGTH = 400


def alarm_draft(gateway: str, destination: str, revision: Revision) -> Draft:
    """The message of one revision; the document's bytes stay as the rules made them."""
    return Draft(
        destination=destination,
        lane="alarm",
        topic=gateway_topic(gateway, "alarm", revision.alarm_id),
        compose=lambda message_id: bytes(wrap_alarm(message_id, revision.document)),
    )


def data_draft(gateway: str, destination: str) -> Draft:
    """The frame of data messages; the store fills in the packs that wait."""
    return Draft(
        destination=destination,
        lane="data",
        topic=gateway_topic(gateway, "data"),
        compose=lambda message_id: compose_packs(message_id, ()),
    )


def reply_draft(
    destination: str, topic: str, command: str, said: Mapping[str, Any], **about: str
) -> Draft:
    """The answer to a command of the centre; `said` as an order's answer has it.

    What is too long for a reply is cut: nothing that others say may stop the store.
    """
    rest = {name: value for name, value in said.items() if name not in ("ok", "at_ms")}
    for name, length in (("err", _ERR_LENGTH), ("hint", _HINT_LENGTH)):
        if name in rest:
            rest[name] = rest[name][:length]
    document = {"cmd": command, "ok": said["ok"], **about, **rest, "at": iso_utc(said["at_ms"])}
    return Draft(
        destination=destination,
        lane="reply",
        topic=topic,
        compose=lambda message_id: _reply({"id": message_id, **document}),
    )


def compose_packs(message_id: str, bodies: Sequence[bytes]) -> bytes:
    """A data message around resolved packs, whose bytes stay as they are."""
    return bytes(wrap_packs(message_id, list(bodies)))


def _reply(document: dict[str, Any]) -> bytes:
    try:
        return bytes(messages.encode("centre_reply", document))
    except MessageError as error:
        # A node may write 1e15 where we write sixteen digits.
        cut = document | {"out": {"note": f"too long to be passed on: {error}"}}
        return bytes(messages.encode("centre_reply", cut))
