"""Sans-IO MQTT 5 client session: bytes and times in, bytes and events out."""

from haidang_wire.decoder import Decoder
from haidang_wire.errors import PacketTooLarge, ProtocolError, WindowFull
from haidang_wire.packets import (
    TOPIC_ALIAS,
    Disconnect,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    encode,
)
from haidang_wire.session_events import (
    SESSION,
    Acknowledged,
    Closed,
    Connected,
    Message,
    Pong,
    Subscribed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.packets_opening import Will

_SESSION_EXPIRY = 0x11
_RECEIVE_MAXIMUM = 0x21
_MAXIMUM_PACKET = 0x27
_MESSAGE_EXPIRY = 0x02


class Session:
    """One connection's MQTT state; a reconnect makes a new one.

    What was not acknowledged when a connection ended is sent again by its owner, from the
    outbox, under a new packet id: the application's `ack` decides, not MQTT's session.
    """

    def __init__(
        self,
        client_id: str,
        *,
        keepalive_s: int = SESSION["keepalive_s"],
        clean_start: bool = False,
        session_expiry_s: int = SESSION["session_expiry_s"],
        receive_maximum: int = SESSION["receive_maximum"],
        maximum_packet_bytes: int = SESSION["maximum_packet_bytes"],
        will: "Will | None" = None,
        username: "str | None" = None,
    ) -> None:
        properties = {
            _SESSION_EXPIRY: session_expiry_s,
            _RECEIVE_MAXIMUM: receive_maximum,
            _MAXIMUM_PACKET: maximum_packet_bytes,
        }
        # The fields of CONNECT
        self._opening: "tuple[Any, ...]" = (
            client_id, clean_start, keepalive_s, will, username, None, properties
        )  # fmt: skip
        self._keepalive_s = keepalive_s
        self._decoder = Decoder(maximum_packet_bytes)
        self._connected = False
        self._closed = False
        self._server_window = 0
        self._server_packet_bytes = 0
        self._maximum_qos = 1
        self._retain_available = True
        self._last_id = 0
        self._outgoing: set[int] = set()
        self._subscribing: set[int] = set()
        self._incoming: set[int] = set()
        self._sent_ms: int | None = None
        self._heard_ms: int | None = None
        self._asked_ms: int | None = None
        self._heard = False

    @property
    def can_publish(self) -> bool:
        """Whether the server takes another QoS 1 publish now."""
        return self._connected and len(self._outgoing) < self._server_window

    def connect(self) -> bytes:
        """CONNECT."""
        from haidang_wire.packets_opening import Connect

        return encode(Connect(*self._opening))

    def receive(self, data: "bytes | bytearray | memoryview") -> "list[Any]":
        """Events in received bytes; MqttError ends the connection."""
        self._decoder.feed(data)
        events = []
        packet = self._decoder.next()
        while packet is not None:
            self._heard = True
            events.append(self._event(packet))
            packet = self._decoder.next()
        return events

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int = 1,
        retain: bool = False,
        expiry_s: "int | None" = None,
    ) -> tuple[int, bytes]:
        """Packet id (0 for QoS 0) and bytes; WindowFull, PacketTooLarge, ProtocolError."""
        self._check_open()
        if qos > self._maximum_qos or (retain and not self._retain_available):
            raise ProtocolError("%s: the server offers no QoS %d or no retain" % (topic, qos))
        if qos and not self.can_publish:
            raise WindowFull("%d publishes are not acknowledged yet" % len(self._outgoing))
        packet_id = self._free_id() if qos else 0
        properties = {} if expiry_s is None else {_MESSAGE_EXPIRY: expiry_s}
        data = encode(Publish(topic, payload, qos, retain, False, packet_id, properties))
        self._check_size(data)
        if qos:
            self._outgoing.add(packet_id)
        return packet_id, data

    def acknowledge(self, packet_id: int, reason: int = 0) -> bytes:
        """PUBACK for an incoming QoS 1 message, after its commit; ProtocolError if not due."""
        if packet_id not in self._incoming:
            raise ProtocolError("packet %d waits for no acknowledgement" % packet_id)
        self._incoming.discard(packet_id)
        return encode(Puback(packet_id, reason))

    def subscribe(
        self,
        filters: "list[str] | tuple[str, ...]",
        qos: int = 1,
        no_local: bool = False,
        retain_handling: int = 0,
    ) -> tuple[int, bytes]:
        """Packet id and SUBSCRIBE; PacketTooLarge, ProtocolError."""
        self._check_open()
        options = qos | (4 if no_local else 0) | retain_handling << 4
        packet_id = self._free_id()
        # What opens a connection is loaded for it alone: a node's memory is small.
        from haidang_wire.packets_opening import Subscribe

        data = encode(Subscribe(packet_id, [(one, options) for one in filters]))
        self._check_size(data)
        self._subscribing.add(packet_id)
        return packet_id, data

    def ping(self, now_ms: int) -> "bytes | None":
        """PINGREQ when due; ProtocolError `keepalive` when the server is silent too long.

        Due after half the keepalive without sending or without hearing anything; silent is
        half a keepalive without a byte after a PINGREQ. Call it about every second.
        """
        half_ms = self._keepalive_s * 500
        if self._heard or self._heard_ms is None:
            self._heard = False
            self._heard_ms = now_ms
            self._asked_ms = None
        if self._sent_ms is None:
            self._sent_ms = now_ms
        if not half_ms or not self._connected:
            return None
        if self._asked_ms is not None:
            if now_ms - self._asked_ms >= half_ms:
                raise ProtocolError("keepalive: no answer for %d ms" % (now_ms - self._asked_ms))
            return None
        if now_ms - self._sent_ms < half_ms and now_ms - self._heard_ms < half_ms:
            return None
        self._asked_ms = now_ms
        self._sent_ms = now_ms
        return encode(Pingreq())

    def sent(self, now_ms: int) -> None:
        """Note that bytes were sent."""
        self._sent_ms = now_ms

    def disconnect(self, reason: int = 0) -> bytes:
        """DISCONNECT; nothing may be sent after it."""
        self._closed = True
        self._connected = False
        return encode(Disconnect(reason))

    def _event(self, packet: "Any") -> "Any":
        if not self._connected:
            return self._on_connack(packet)
        handler = _HANDLERS.get(type(packet))
        return self._on_suback(packet) if handler is None else handler(self, packet)

    def _on_connack(self, packet: "Any") -> Connected:
        from haidang_wire.session_opening import agreed

        event = agreed(packet, self._keepalive_s, self._opening[0])
        self._connected = True
        self._server_window = event.receive_maximum
        self._server_packet_bytes = event.maximum_packet_bytes
        self._maximum_qos = event.maximum_qos
        self._retain_available = event.retain_available
        self._keepalive_s = event.keepalive_s
        return event

    def _on_publish(self, packet: Publish) -> Message:
        if TOPIC_ALIAS in packet.properties:
            raise ProtocolError("PUBLISH: a topic alias was never offered")
        if packet.qos:
            # Not held against our receive maximum: mosquitto 2.0.11 goes beyond it when PUBACKs
            # free places before a full queue (measured: 1,099 under a maximum of 100), and to
            # hang up would lose what it holds. Its queue's limit bounds this set.
            self._incoming.add(packet.packet_id)
        return Message(packet.topic, packet.payload, packet.qos, packet.retain, packet.packet_id)

    def _on_puback(self, packet: Puback) -> Acknowledged:
        if packet.packet_id not in self._outgoing:
            raise ProtocolError("PUBACK for packet %d, never sent" % packet.packet_id)
        self._outgoing.discard(packet.packet_id)
        return Acknowledged(packet.packet_id, packet.reason)

    def _on_suback(self, packet: "Any") -> Subscribed:
        from haidang_wire.packets_opening import Suback

        if not isinstance(packet, Suback):
            raise ProtocolError("%s is nothing a server sends now" % type(packet).__name__)
        if packet.packet_id not in self._subscribing:
            raise ProtocolError("SUBACK for packet %d, never sent" % packet.packet_id)
        self._subscribing.discard(packet.packet_id)
        return Subscribed(packet.packet_id, packet.reasons)

    def _on_pingresp(self, _: Pingresp) -> Pong:
        return Pong()

    def _on_disconnect(self, packet: Disconnect) -> Closed:
        self._connected = False
        return Closed(packet.reason)

    def _check_open(self) -> None:
        if not self._connected or self._closed:
            raise ProtocolError("not connected")

    def _check_size(self, data: bytes) -> None:
        if len(data) > self._server_packet_bytes:
            raise PacketTooLarge(
                "packet of %d bytes, the server takes %d" % (len(data), self._server_packet_bytes)
            )

    def _free_id(self) -> int:
        # Ends: the server's receive maximum and few subscriptions never fill 65,535 ids.
        number = self._last_id % 0xFFFF + 1
        while number in self._outgoing or number in self._subscribing:
            number = number % 0xFFFF + 1
        self._last_id = number
        return number


_HANDLERS: "dict[Any, Any]" = {
    Publish: Session._on_publish,
    Puback: Session._on_puback,
    Pingresp: Session._on_pingresp,
    Disconnect: Session._on_disconnect,
}
