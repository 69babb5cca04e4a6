"""The name of a pack that the contract refuses: enough to tell its node that it is kept."""

from typing import Any, TypeGuard

from haidang_wire import topics
from haidang_wire.errors import MessageError, WireError
from haidang_wire.jsontext import read

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
        records = read(arrival.payload, _LONGEST_BYTES, MessageError)
    except WireError:
        return None
    if topic.kind not in {"alarm", "data"} or not isinstance(records, list) or not records:
        return None
    first = records[0] if isinstance(records[0], dict) else {}
    epoch, boot, seq = first.get("he"), first.get("hb"), first.get("hs")
    if not (isinstance(epoch, str) and topics.is_epoch(epoch)):
        return None
    return ((topic.owner, epoch, boot), seq) if _is_number(boot) and _is_number(seq) else None


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _UINT32
