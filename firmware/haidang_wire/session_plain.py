"""Opening a connection in plain forms; what is not plain is left to the whole codec.

The codec takes 15 KB of a node's heap, at the moment when TLS is being set up.
"""

from haidang_wire.framing import framed, is_ascii
from haidang_wire.session_events import SESSION, Connected, Subscribed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.session import Session
    from haidang_wire.session_events import Will

_SESSION_EXPIRY = 0x11
_ASSIGNED_CLIENT_ID = 0x12
_SERVER_KEEPALIVE = 0x13
_WILL_DELAY = b"\x05\x18"
_RECEIVE_MAXIMUM = 0x21
_MAXIMUM_QOS = 0x24
_RETAIN_AVAILABLE = 0x25
_MAXIMUM_PACKET = 0x27
_LARGEST_PACKET = 268435460  # section 2.1.4: five bytes of header and four times 7 bits
# Properties of a CONNACK that are numbers, and the bytes of each.
_NUMBERS = b"\x11\x13\x21\x22\x24\x25\x27\x28\x29\x2a"
_NOT_ZERO = b"\x21\x27"
_SIZES = b"\x04\x02\x02\x02\x01\x01\x04\x01\x01\x01"


def connect_fields(
    client_id: str,
    *,
    keepalive_s: int = SESSION["keepalive_s"],
    clean_start: bool = False,
    session_expiry_s: int = SESSION["session_expiry_s"],
    receive_maximum: int = SESSION["receive_maximum"],
    maximum_packet_bytes: int = SESSION["maximum_packet_bytes"],
    will: "Will | None" = None,
    username: "str | None" = None,
) -> "tuple[tuple[Any, ...], int]":
    """The fields of CONNECT, and the largest packet in bytes that the server may send."""
    properties = {
        _SESSION_EXPIRY: session_expiry_s,
        _RECEIVE_MAXIMUM: receive_maximum,
        _MAXIMUM_PACKET: maximum_packet_bytes,
    }
    fields = (client_id, clean_start, keepalive_s, will, username, None, properties)
    return fields, maximum_packet_bytes


def connect(fields: "tuple[Any, ...]") -> bytes:
    """CONNECT of connect_fields; empty where its texts need a closer look."""
    client_id, clean_start, keepalive_s, will, username, _, properties = fields
    texts = [client_id] + ([will.topic] if will else []) + ([username] if username else [])
    if username == "" or not all([is_ascii(text.encode()) for text in texts]):
        return b""
    flags = (0x02 if clean_start else 0) | (0 if username is None else 0x80)
    payload = _counted(client_id.encode())
    if will:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += _WILL_DELAY + will.delay_s.to_bytes(4, "big") if will.delay_s else b"\0"
        payload += _counted(will.topic.encode()) + _counted(will.payload)
    if username:
        payload += _counted(username.encode())
    told = b"\x0d\x11" + properties[_SESSION_EXPIRY].to_bytes(4, "big")
    told += b"\x21" + properties[_RECEIVE_MAXIMUM].to_bytes(2, "big")
    told += b"\x27" + properties[_MAXIMUM_PACKET].to_bytes(4, "big")
    head = b"\0\x04MQTT\x05" + bytes((flags,)) + keepalive_s.to_bytes(2, "big")
    return framed(0x10, head, told, payload)


def subscribe(session: "Session", names: "list[bytes]", options: int) -> tuple[int, bytes]:
    """Packet id and SUBSCRIBE to filters of plain ASCII; too large: empty, nothing is noted."""
    packet_id = session.free_id()
    pieces = [_counted(name) + bytes((options,)) for name in names]
    data = framed(0x82, packet_id.to_bytes(2, "big"), b"\0", b"".join(pieces))
    if session.agreed is None or len(data) > session.agreed.maximum_packet_bytes:
        return packet_id, b""
    session.subscribing.add(packet_id)
    return packet_id, data


def opened(
    session: "Session", first: int, buffer: "bytes | bytearray", at: int, end: int
) -> "Connected | Subscribed | None":
    """The event of a plain CONNACK or SUBACK; None where a closer look is needed."""
    if session.agreed is None:
        properties = _numbers(first, buffer, at, end)
        if session.opening is None or properties is None:
            return None
        session.agreed = agreed_of(buffer[at] == 1, properties, session.opening)
        return session.agreed
    packet_id = buffer[at] << 8 | buffer[at + 1] if first == 0x90 and end - at > 3 else 0
    reasons = tuple(buffer[at + 3 : end])
    known = packet_id in session.subscribing and not buffer[at + 2]
    if not known or any([2 < reason < 0x80 for reason in reasons]):
        return None
    session.subscribing.discard(packet_id)
    return Subscribed(packet_id, reasons)


def agreed_of(
    session_present: bool, properties: "dict[int, Any]", opening: "tuple[Any, ...]"
) -> Connected:
    """What a successful CONNACK with these properties says."""
    get = properties.get
    return Connected(
        session_present,
        get(_RECEIVE_MAXIMUM, 65535),
        get(_SERVER_KEEPALIVE, opening[2]),
        get(_MAXIMUM_QOS, 1),
        get(_RETAIN_AVAILABLE, 1) == 1,
        get(_MAXIMUM_PACKET, _LARGEST_PACKET),
        get(_ASSIGNED_CLIENT_ID, opening[0]),
    )


def _numbers(
    first: int, buffer: "bytes | bytearray", at: int, end: int
) -> "dict[int, int] | None":
    # The properties of a CONNACK without a refusal that has numbers alone.
    if first != 0x20 or end - at < 3 or buffer[at] > 1 or buffer[at + 1]:
        return None
    if buffer[at + 2] != end - at - 3 or end - at > 0x7F:
        return None
    found: dict[int, int] = {}
    at += 3
    while at < end:
        number = buffer[at]
        place = _NUMBERS.find(bytes((number,)))
        size = _SIZES[place]
        value = int.from_bytes(bytes(buffer[at + 1 : at + 1 + size]), "big")
        odd = value > 1 if size == 1 else number in _NOT_ZERO and not value
        at += 1 + size
        if place < 0 or number in found or at > end or odd:
            return None
        found[number] = value
    return found


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
