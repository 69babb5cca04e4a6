"""What a session does seldom: opening, subscribing, refusing, reading packets of unusual form."""

from haidang_wire.errors import MqttError, PacketTooLarge, ProtocolError, Refused, WindowFull
from haidang_wire.packets import TOPIC_ALIAS, Disconnect, Puback, Publish, decode, encode
from haidang_wire.packets_opening import Connack, Suback, Subscribe
from haidang_wire.session_events import (
    SESSION,
    Acknowledged,
    Closed,
    Connected,
    Message,
    Subscribed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.packets_opening import Will
    from haidang_wire.session import Session

_MESSAGE_EXPIRY = 0x02
_SESSION_EXPIRY = 0x11
_ASSIGNED_CLIENT_ID = 0x12
_SERVER_KEEPALIVE = 0x13
_RECEIVE_MAXIMUM = 0x21
_MAXIMUM_QOS = 0x24
_RETAIN_AVAILABLE = 0x25
_MAXIMUM_PACKET = 0x27
_LARGEST_PACKET = 268435460  # section 2.1.4: five bytes of header and four times 7 bits


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


def subscribe(
    session: "Session", filters: "list[str] | tuple[str, ...]", options: int
) -> tuple[int, bytes]:
    """Packet id and SUBSCRIBE; PacketTooLarge, ProtocolError."""
    if session.agreed is None:
        raise ProtocolError("not connected")
    packet_id = session.free_id()
    data = encode(Subscribe(packet_id, [(one, options) for one in filters]))
    if len(data) > session.agreed.maximum_packet_bytes:
        raise _too_large(data, session.agreed)
    session.subscribing.add(packet_id)
    return packet_id, data


def careful_publish(
    topic: str, payload: bytes, qos: int, retain: bool, packet_id: int, expiry_s: "int | None"
) -> bytes:
    """PUBLISH with any topic, or one that expires; ProtocolError."""
    properties = {} if expiry_s is None else {_MESSAGE_EXPIRY: expiry_s}
    return encode(Publish(topic, payload, qos, retain, False, packet_id, properties))


def refusal(session: "Session", topic: str, qos: int, data: bytes) -> MqttError:
    """Why a message is not published; `data`: its packet, where there is one."""
    agreed = session.agreed
    if agreed is None:
        return ProtocolError("not connected")
    if data:
        return _too_large(data, agreed)
    if qos and qos <= agreed.maximum_qos and not session.can_publish:
        return WindowFull("%d publishes are not acknowledged yet" % len(session.outgoing))
    return ProtocolError("%s: the server offers no QoS %d or no retain" % (topic, qos))


def careful_event(
    session: "Session", first: int, buffer: "bytes | bytearray", at: int, end: int
) -> "Any":
    """The event of any packet, by the whole codec. MqttError where it should not have come."""
    packet = decode(first, buffer, at, end)
    if session.agreed is None:
        session.agreed = _agreed(packet, session.opening)
        return session.agreed
    handler = _HANDLERS.get(type(packet))
    if handler is None:
        raise ProtocolError("%s is nothing a server sends now" % type(packet).__name__)
    return handler(session, packet)


def _agreed(packet: "Any", opening: "tuple[Any, ...] | None") -> Connected:
    if not isinstance(packet, Connack) or opening is None:
        raise ProtocolError("%s before or after the connection" % type(packet).__name__)
    if packet.reason:
        raise Refused(packet.reason)
    get = packet.properties.get
    return Connected(
        packet.session_present,
        get(_RECEIVE_MAXIMUM, 65535),
        get(_SERVER_KEEPALIVE, opening[2]),
        get(_MAXIMUM_QOS, 1),
        get(_RETAIN_AVAILABLE, 1) == 1,
        get(_MAXIMUM_PACKET, _LARGEST_PACKET),
        get(_ASSIGNED_CLIENT_ID, opening[0]),
    )


def _on_publish(session: "Session", packet: Publish) -> Message:
    if TOPIC_ALIAS in packet.properties:
        raise ProtocolError("PUBLISH: a topic alias was never offered")
    if packet.qos:
        # Not held against our receive maximum: mosquitto 2.0.11 goes beyond it when PUBACKs
        # free places before a full queue (measured: 1,099 under a maximum of 100), and to
        # hang up would lose what it holds. Its queue's limit bounds this set.
        session.incoming.add(packet.packet_id)
    return Message(packet.topic, packet.payload, packet.qos, packet.retain, packet.packet_id)


def _on_puback(session: "Session", packet: Puback) -> Acknowledged:
    if packet.packet_id not in session.outgoing:
        raise ProtocolError("PUBACK for packet %d, never sent" % packet.packet_id)
    session.outgoing.discard(packet.packet_id)
    return Acknowledged(packet.packet_id, packet.reason)


def _on_suback(session: "Session", packet: Suback) -> Subscribed:
    if packet.packet_id not in session.subscribing:
        raise ProtocolError("SUBACK for packet %d, never sent" % packet.packet_id)
    session.subscribing.discard(packet.packet_id)
    return Subscribed(packet.packet_id, packet.reasons)


def _on_disconnect(session: "Session", packet: Disconnect) -> Closed:
    session.agreed = session.opening = None
    return Closed(packet.reason)


def _too_large(data: bytes, agreed: Connected) -> PacketTooLarge:
    return PacketTooLarge(
        "packet of %d bytes, the server takes %d" % (len(data), agreed.maximum_packet_bytes)
    )


_HANDLERS: "dict[Any, Any]" = {
    Publish: _on_publish,
    Puback: _on_puback,
    Suback: _on_suback,
    Disconnect: _on_disconnect,
}
