"""The name of a pack that the contract refuses: enough to tell its node that it is kept."""

from typing import Any, TypeGuard

from haidang_wire import topics
from haidang_wire.errors import MessageError, WireError
from haidang_wire.jsontext import read
from haidang_wire.senml_cbor_reading import first_fields, is_cbor

from haidang_gateway.batch import BootKey
from haidang_gateway.ingest.arrival import Arrival

_UINT32 = 0xFFFFFFFF
# More than any packet that the gateway's broker lets through.
_LONGEST_BYTES = 64 * 1024


def name_of(arrival: Arrival) -> tuple[BootKey, int] | None:
    """Boot and sequence by which the topic's node will know its pack; None if unreadable.

    The node is the topic's, which the broker has checked, whatever the pack says.
    """
    try:
        topic = topics.parse(arrival.topic)
        first = _first(arrival.payload)
    except WireError:
        return None
    if topic.kind not in {"alarm", "data"}:
        return None
    epoch, boot, seq = first.get("he"), first.get("hb"), first.get("hs")
    if not (isinstance(epoch, str) and topics.is_epoch(epoch)):
        return None
    return ((topic.owner, epoch, boot), seq) if _is_number(boot) and _is_number(seq) else None


def _first(payload: bytes) -> dict[str, Any]:
    if is_cbor(payload):
        return dict(first_fields(payload))
    records = read(payload, _LONGEST_BYTES, MessageError)
    first = records[0] if isinstance(records, list) and records else {}
    return first if isinstance(first, dict) else {}


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _UINT32
