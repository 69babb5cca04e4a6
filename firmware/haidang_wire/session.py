"""Sans-IO MQTT 5 client session: bytes and times in, bytes and events out.

Here is what a working connection needs all day. What opens it is in session_plain, packets of an
unusual form and all refusals are in session_opening, loaded when they come: a node's memory is
small.
"""

from collections import namedtuple

from haidang_wire.decoder import Decoder
from haidang_wire.framing import framed, is_ascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.session_events import Connected

Message = namedtuple("Message", ("topic", "payload", "qos", "retain", "packet_id"))
Acknowledged = namedtuple("Acknowledged", ("packet_id", "reason"))
Pong = namedtuple("Pong", ())

# First bytes of a PUBLISH with QoS 0 and 1
_PUBLISHES = b"\x30\x31\x32\x33\x3a\x3b"


class Session:
    """One connection's MQTT state; a reconnect makes a new one.

    What was not acknowledged when a connection ended is sent again by its owner, from the
    outbox, under a new packet id: the application's `ack` decides, not MQTT's session.
    Options: those of session_plain.connect_fields.
    """

    def __init__(self, client_id: str, **options: "Any") -> None:
        from haidang_wire.session_plain import connect_fields

        # The fields of CONNECT; None once the session is closed
        self.opening: "tuple[Any, ...] | None"
        self.opening, maximum_packet_bytes = connect_fields(client_id, **options)
        # What the server said in its CONNACK; None without a connection
        self.agreed: "Connected | None" = None
        # Ids that wait for PUBACK, for SUBACK, and for acknowledge()
        self.outgoing: set[int] = set()
        self.subscribing: set[int] = set()
        self.incoming: set[int] = set()
        self._decoder = Decoder(maximum_packet_bytes)
        self._last_id = 0
        self._sent_ms: int | None = None
        self._heard_ms: int | None = None
        self._asked_ms: int | None = None
        self._heard = False

    @property
    def can_publish(self) -> bool:
        """Whether the server takes another QoS 1 publish now."""
        agreed = self.agreed
        return agreed is not None and len(self.outgoing) < agreed.receive_maximum

    def connect(self) -> bytes:
        """CONNECT."""
        from haidang_wire.session_plain import connect

        data = connect(self.opening) if self.opening else b""
        if data:
            return data
        from haidang_wire.packets_opening import Connect, encode_opening

        return encode_opening(Connect(*self.opening or ()))

    def receive(self, data: "bytes | bytearray | memoryview") -> "list[Any]":
        """Events in received bytes; MqttError ends the connection."""
        decoder = self._decoder
        decoder.feed(data)
        events = []
        read = self._read
        event = decoder.next(read)
        while event is not None:
            self._heard = True
            events.append(event)
            event = decoder.next(read)
        return events

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int = 1,
        retain: bool = False,
        expiry_s: "int | None" = None,
        before: bytes = b"",
    ) -> tuple[int, bytes]:
        """Packet id (0 for QoS 0) and bytes, behind those of `before`; WindowFull, PacketTooLarge,
        ProtocolError.
        """
        agreed = self.agreed
        data = b""
        packet_id = 0
        if (
            agreed
            and qos <= agreed.maximum_qos
            and (not retain or agreed.retain_available)
            and (not qos or self.can_publish)
        ):
            packet_id = self.free_id() if qos else 0
            name = topic.encode()
            if expiry_s is None and _is_plain(name):
                number = packet_id.to_bytes(2, "big") if qos else b""
                first = 0x30 | qos << 1 | retain
                size = len(name).to_bytes(2, "big")
                data = framed(first, size, name, number, b"\0", payload, before=before)
            else:
                from haidang_wire.session_opening import careful_publish

                data = before + careful_publish(topic, payload, qos, retain, packet_id, expiry_s)
        if not agreed or not 0 < len(data) <= agreed.maximum_packet_bytes + len(before):
            from haidang_wire.session_opening import refusal

            raise refusal(self, topic, qos, data)
        if qos:
            self.outgoing.add(packet_id)
        return packet_id, data

    def acknowledge(self, packet_id: int, reason: int = 0) -> bytes:
        """PUBACK for an incoming QoS 1 message, after its commit; ProtocolError if not due."""
        if packet_id not in self.incoming:
            from haidang_wire.errors import ProtocolError

            raise ProtocolError("packet %d waits for no acknowledgement" % packet_id)
        self.incoming.discard(packet_id)
        # A reason of success is left out: section 3.4.2.1
        tail = bytes((reason,)) if reason else b""
        return bytes((0x40, 2 + len(tail), packet_id >> 8, packet_id & 0xFF)) + tail

    def subscribe(
        self,
        filters: "list[str] | tuple[str, ...]",
        qos: int = 1,
        no_local: bool = False,
        retain_handling: int = 0,
    ) -> tuple[int, bytes]:
        """Packet id and SUBSCRIBE; PacketTooLarge, ProtocolError."""
        options = qos | (4 if no_local else 0) | retain_handling << 4
        names = [one.encode() for one in filters]
        if self.agreed and names and all([is_ascii(name) for name in names]):
            from haidang_wire.session_plain import subscribe

            packet_id, data = subscribe(self, names, options)
            if data:
                return packet_id, data
        from haidang_wire.session_opening import careful_subscribe

        return careful_subscribe(self, filters, options)

    def ping(self, now_ms: int) -> "bytes | None":
        """PINGREQ when due; ProtocolError `keepalive` when the server is silent too long.

        Due after half the keepalive without sending or without hearing anything; silent is
        half a keepalive without a byte after a PINGREQ. Call it about every second.
        """
        if self._heard or self._heard_ms is None:
            self._heard = False
            self._heard_ms = now_ms
            self._asked_ms = None
        if self._sent_ms is None:
            self._sent_ms = now_ms
        half_ms = self.agreed.keepalive_s * 500 if self.agreed else 0
        if not half_ms:
            return None
        if self._asked_ms is not None:
            silent_ms = now_ms - self._asked_ms
            if silent_ms >= half_ms:
                from haidang_wire.errors import ProtocolError

                raise ProtocolError("keepalive: no answer for %d ms" % silent_ms)
            return None
        if now_ms - self._sent_ms < half_ms and now_ms - self._heard_ms < half_ms:
            return None
        self._asked_ms = now_ms
        self._sent_ms = now_ms
        return framed(0xC0)

    def sent(self, now_ms: int) -> None:
        """Note that bytes were sent."""
        self._sent_ms = now_ms

    def disconnect(self, reason: int = 0) -> bytes:
        """DISCONNECT; nothing may be sent after it."""
        self.agreed = self.opening = None
        return framed(0xE0, bytes((reason,)) if reason else b"")

    def free_id(self) -> int:
        """An id that no packet on its way has."""
        # Ends: the server's receive maximum and few subscriptions never fill 65,535 ids.
        number = self._last_id % 0xFFFF + 1
        while number in self.outgoing or number in self.subscribing:
            number = number % 0xFFFF + 1
        self._last_id = number
        return number

    def _read(self, first: int, buffer: "bytes | bytearray", at: int, end: int) -> "Any":
        # What a server says all day; whatever is not plain is read, or refused, with care.
        if self.agreed:
            if first == 0x40 and 2 <= end - at <= 3:
                packet_id = buffer[at] << 8 | buffer[at + 1]
                reason = buffer[at + 2] if end - at == 3 else 0
                if packet_id in self.outgoing and (reason in (0, 0x10) or reason > 0x7F):
                    self.outgoing.discard(packet_id)
                    return Acknowledged(packet_id, reason)
            elif first in _PUBLISHES and end - at > 4:
                message = _plain_message(first, buffer, at, end)
                if message:
                    if message.packet_id:
                        self.incoming.add(message.packet_id)
                    return message
            elif first == 0xD0 and at == end:
                return Pong()
        if first in (0x20, 0x90):
            from haidang_wire.session_plain import opened

            event = opened(self, first, buffer, at, end)
            if event:
                return event
        from haidang_wire.session_opening import careful_event

        return careful_event(self, first, buffer, at, end)


def _plain_message(first: int, buffer: "bytes | bytearray", at: int, end: int) -> "Message | None":
    # None where it has properties, or a topic or id that needs a closer look.
    qos = first >> 1 & 1
    stop = at + 2 + (buffer[at] << 8 | buffer[at + 1])
    body = stop + 2 * qos
    if body >= end or buffer[body]:
        return None
    topic = bytes(buffer[at + 2 : stop])
    packet_id = buffer[stop] << 8 | buffer[stop + 1] if qos else 0
    if not _is_plain(topic) or (qos and not packet_id):
        return None
    payload = bytes(memoryview(buffer)[body + 1 : end])
    return Message(topic.decode(), payload, qos, bool(first & 1), packet_id)


def _is_plain(topic: bytes) -> bool:
    # ASCII without NUL and wildcards
    return is_ascii(topic) and b"+" not in topic and b"#" not in topic
