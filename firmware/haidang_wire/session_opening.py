"""What client and server agree on when a connection opens; a node forgets it afterwards."""

from haidang_wire.errors import ProtocolError, Refused
from haidang_wire.packets_opening import Connack
from haidang_wire.session_events import Connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

_ASSIGNED_CLIENT_ID = 0x12
_SERVER_KEEPALIVE = 0x13
_RECEIVE_MAXIMUM = 0x21
_MAXIMUM_QOS = 0x24
_RETAIN_AVAILABLE = 0x25
_MAXIMUM_PACKET = 0x27
_LARGEST_PACKET = 268435460  # section 2.1.4: five bytes of header and four times 7 bits


def agreed(packet: "Any", keepalive_s: int, client_id: str) -> Connected:
    """The event of a server's first packet. Refused, or ProtocolError where it is no CONNACK."""
    if not isinstance(packet, Connack):
        raise ProtocolError("%s before CONNACK" % type(packet).__name__)
    if packet.reason:
        raise Refused(packet.reason)
    get = packet.properties.get
    return Connected(
        packet.session_present,
        get(_RECEIVE_MAXIMUM, 65535),
        get(_SERVER_KEEPALIVE, keepalive_s),
        get(_MAXIMUM_QOS, 1),
        get(_RETAIN_AVAILABLE, 1) == 1,
        get(_MAXIMUM_PACKET, _LARGEST_PACKET),
        get(_ASSIGNED_CLIENT_ID, client_id),
    )
