"""MQTT 5 packets as values, to and from bytes (OASIS MQTT 5.0, section 3); QoS 0 and 1.

Those of a working connection; the others are in packets_opening and packets_server. A session
reads and writes the plain forms by itself and asks this codec for all others.
"""

from collections import namedtuple

from haidang_wire.errors import MalformedPacket, ProtocolError
from haidang_wire.framing import framed
from haidang_wire.mqtt_bytes import Reader, write_properties, write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

Publish = namedtuple(
    "Publish", ("topic", "payload", "qos", "retain", "dup", "packet_id", "properties")
)
Puback = namedtuple("Puback", ("packet_id", "reason"))
Pingreq = namedtuple("Pingreq", ())
Pingresp = namedtuple("Pingresp", ())
Disconnect = namedtuple("Disconnect", ("reason",))

TOPIC_ALIAS = 0x23
# Properties that each packet may carry
PUBLISH_PROPERTIES = b"\x01\x02\x03\x08\x09\x0b\x23\x26"
ANSWER_PROPERTIES = b"\x1f\x26"
_DISCONNECT_PROPERTIES = b"\x11\x1c\x1f\x26"


def encode(packet: "Any") -> bytes:
    """The bytes of any packet of this module. ProtocolError if it cannot be written."""
    encoder = _ENCODERS.get(type(packet))
    if encoder is None:
        # What only opens a connection stays off a node's heap.
        from haidang_wire.packets_opening import encode_opening

        return encode_opening(packet)
    first, body = encoder(packet)
    return framed(first, body)


def decode(first: int, buffer: "bytes | bytearray", at: int, end: int) -> "Any":
    """The packet with this first byte and this body. MalformedPacket, ProtocolError."""
    kind = first >> 4
    if kind == 3:
        return _decode_publish(first & 0x0F, Reader(buffer, at, end, "PUBLISH"))
    decoder = _DECODERS.get(first)
    if decoder is not None:
        name, function = decoder
        reader = Reader(buffer, at, end, name)
        packet = function(reader)
        reader.finish()
        return packet
    if first in (0x10, 0x20, 0x82, 0x90):
        from haidang_wire.packets_opening import decode_opening

        return decode_opening(first, buffer, at, end)
    if kind in (1, 2, 4, 8, 9, 12, 13, 14):
        raise MalformedPacket("fixed header: reserved flags in 0x%02x" % first)
    if kind == 0:
        raise MalformedPacket("fixed header: packet type 0")
    raise ProtocolError("packet type %d is not part of this session" % kind)


def check_topic(topic: str) -> str:
    """A topic name that may be published to; ProtocolError for an empty one or a wildcard."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise ProtocolError("%s is no topic to publish to" % repr(topic[:60]))
    return topic


def _encode_publish(packet: Publish) -> tuple[int, bytes]:
    if packet.qos not in (0, 1):
        raise ProtocolError("QoS %s: only 0 and 1 are offered" % packet.qos)
    if packet.qos == 0 and (packet.dup or packet.packet_id):
        raise ProtocolError("QoS 0 has no packet id and is never repeated")
    first = 0x30 | (8 if packet.dup else 0) | packet.qos << 1 | (1 if packet.retain else 0)
    number = packet_id_bytes(packet.packet_id) if packet.qos else b""
    head = write_text(check_topic(packet.topic)) + number
    return first, head + write_properties(packet.properties) + packet.payload


def _encode_puback(packet: Puback) -> tuple[int, bytes]:
    return 0x40, packet_id_bytes(packet.packet_id) + _reason(packet.reason)


def _encode_pingreq(_: Pingreq) -> tuple[int, bytes]:
    return 0xC0, b""


def _encode_disconnect(packet: Disconnect) -> tuple[int, bytes]:
    return 0xE0, _reason(packet.reason)


def _reason(reason: int) -> bytes:
    # Left out for success: sections 3.4.2.1 and 3.14.2.1
    return bytes((reason,)) if reason else b""


def packet_id_bytes(number: int) -> bytes:
    """A packet id; ProtocolError for 0 and above 65,535."""
    if not 1 <= number <= 0xFFFF:
        raise ProtocolError("packet id %d" % number)
    return number.to_bytes(2, "big")


def _decode_publish(flags: int, reader: Reader) -> Publish:
    qos = flags >> 1 & 3
    dup = bool(flags & 8)
    if qos == 3 or (dup and not qos):
        raise reader.wrong("flags 0x%x" % flags)
    if qos == 2:
        raise ProtocolError("PUBLISH: QoS 2 was never offered")
    topic = reader.topic()
    packet_id = reader.packet_id() if qos else 0
    properties = reader.properties(PUBLISH_PROPERTIES)
    if not topic and TOPIC_ALIAS not in properties:
        raise ProtocolError("PUBLISH: empty topic")
    return Publish(topic, reader.rest(), qos, bool(flags & 1), dup, packet_id, properties)


def _decode_puback(reader: Reader) -> Puback:
    packet_id = reader.packet_id()
    return Puback(packet_id, _read_reason(reader, b"\x00\x10", ANSWER_PROPERTIES))


def _decode_pingresp(_: Reader) -> Pingresp:
    return Pingresp()


def _decode_pingreq(_: Reader) -> Pingreq:
    return Pingreq()


def _decode_disconnect(reader: Reader) -> Disconnect:
    return Disconnect(_read_reason(reader, b"\x00\x04", _DISCONNECT_PROPERTIES))


def _read_reason(reader: Reader, successes: bytes, properties: bytes) -> int:
    reason = reader.integer(1) if reader.left else 0
    if reason < 0x80 and reason not in successes:
        raise reader.wrong("reason 0x%02x" % reason)
    if reader.left:
        reader.properties(properties)
    return reason


_ENCODERS: "dict[Any, Any]" = {
    Publish: _encode_publish,
    Puback: _encode_puback,
    Pingreq: _encode_pingreq,
    Disconnect: _encode_disconnect,
}

# first byte: name and decoder; the flags of these packets are fixed
_DECODERS: "dict[int, Any]" = {
    0x40: ("PUBACK", _decode_puback),
    0xC0: ("PINGREQ", _decode_pingreq),
    0xD0: ("PINGRESP", _decode_pingresp),
    0xE0: ("DISCONNECT", _decode_disconnect),
}
