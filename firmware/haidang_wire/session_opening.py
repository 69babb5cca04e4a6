"""What a session does seldom: refusing, and reading and writing packets of unusual form."""

from haidang_wire.errors import MqttError, PacketTooLarge, ProtocolError, Refused, WindowFull
from haidang_wire.packets import TOPIC_ALIAS, Disconnect, Puback, Publish, decode, encode
from haidang_wire.packets_opening import Connack, Suback, Subscribe
from haidang_wire.session_events import Acknowledged, Closed, Connected, Message, Subscribed
from haidang_wire.session_plain import agreed_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.session import Session

_MESSAGE_EXPIRY = 0x02


def careful_subscribe(
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
    return agreed_of(packet.session_present, packet.properties, opening)


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
