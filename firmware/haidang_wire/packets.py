"""MQTT 5 packets as values, to and from bytes (OASIS MQTT 5.0, section 3); QoS 0 and 1."""

from collections import namedtuple

from haidang_wire.errors import MalformedPacket, ProtocolError
from haidang_wire.mqtt_bytes import (
    Reader,
    write_binary,
    write_properties,
    write_text,
    write_varint,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

Will = namedtuple("Will", ("topic", "payload", "qos", "retain", "delay_s"))
Connect = namedtuple(
    "Connect",
    ("client_id", "clean_start", "keepalive_s", "will", "username", "password", "properties"),
)
Connack = namedtuple("Connack", ("session_present", "reason", "properties"))
Publish = namedtuple(
    "Publish", ("topic", "payload", "qos", "retain", "dup", "packet_id", "properties")
)
Puback = namedtuple("Puback", ("packet_id", "reason"))
# filters: tuples (filter, options byte)
Subscribe = namedtuple("Subscribe", ("packet_id", "filters"))
Suback = namedtuple("Suback", ("packet_id", "reasons"))
Pingreq = namedtuple("Pingreq", ())
Pingresp = namedtuple("Pingresp", ())
Disconnect = namedtuple("Disconnect", ("reason",))

WILL_DELAY = 0x18
TOPIC_ALIAS = 0x23
# Properties that each packet may carry
_CONNACK_PROPERTIES = b"\x11\x12\x13\x15\x16\x1a\x1c\x1f\x21\x22\x24\x25\x26\x27\x28\x29\x2a"
PUBLISH_PROPERTIES = b"\x01\x02\x03\x08\x09\x0b\x23\x26"
_ANSWER_PROPERTIES = b"\x1f\x26"
_DISCONNECT_PROPERTIES = b"\x11\x1c\x1f\x26"


def encode(packet: "Any") -> bytes:
    """The bytes of any packet of this module. ProtocolError if it cannot be written."""
    encoder = _ENCODERS.get(type(packet))
    if encoder is None:
        # What only a server sends stays off a node's heap.
        from haidang_wire.packets_server import encode_answer

        return encode_answer(packet)
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
    if first in (0x10, 0x82):
        from haidang_wire.packets_server import decode_request

        return decode_request(first, buffer, at, end)
    if kind in (1, 2, 4, 8, 9, 12, 13, 14):
        raise MalformedPacket("fixed header: reserved flags in 0x%02x" % first)
    if kind == 0:
        raise MalformedPacket("fixed header: packet type 0")
    raise ProtocolError("packet type %d is not part of this session" % kind)


def framed(first: int, body: bytes) -> bytes:
    """A whole packet from its first byte and its body."""
    return bytes((first,)) + write_varint(len(body)) + body


def check_topic(topic: str) -> str:
    """A topic name that may be published to; ProtocolError for an empty one or a wildcard."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise ProtocolError("%s is no topic to publish to" % repr(topic[:60]))
    return topic


def _encode_connect(packet: Connect) -> tuple[int, bytes]:
    flags = 0x02 if packet.clean_start else 0
    payload = write_text(packet.client_id)
    if packet.will is not None:
        will = packet.will
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += write_properties({WILL_DELAY: will.delay_s} if will.delay_s else {})
        payload += write_text(check_topic(will.topic)) + write_binary(will.payload)
    if packet.username is not None:
        flags |= 0x80
        payload += write_text(packet.username)
    if packet.password is not None:
        flags |= 0x40
        payload += write_binary(packet.password)
    head = b"\x00\x04MQTT\x05" + bytes((flags,)) + packet.keepalive_s.to_bytes(2, "big")
    return 0x10, head + write_properties(packet.properties) + payload


def _encode_publish(packet: Publish) -> tuple[int, bytes]:
    if packet.qos not in (0, 1):
        raise ProtocolError("QoS %s: only 0 and 1 are offered" % packet.qos)
    if packet.qos == 0 and (packet.dup or packet.packet_id):
        raise ProtocolError("QoS 0 has no packet id and is never repeated")
    first = 0x30 | (8 if packet.dup else 0) | packet.qos << 1 | (1 if packet.retain else 0)
    number = _packet_id(packet.packet_id) if packet.qos else b""
    head = write_text(check_topic(packet.topic)) + number
    return first, head + write_properties(packet.properties) + packet.payload


def _encode_puback(packet: Puback) -> tuple[int, bytes]:
    return 0x40, _packet_id(packet.packet_id) + _reason(packet.reason)


def _encode_subscribe(packet: Subscribe) -> tuple[int, bytes]:
    if not packet.filters:
        raise ProtocolError("SUBSCRIBE without a filter")
    body = _packet_id(packet.packet_id) + b"\x00"
    for topic_filter, options in packet.filters:
        body += write_text(topic_filter) + bytes((options,))
    return 0x82, body


def _encode_pingreq(_: Pingreq) -> tuple[int, bytes]:
    return 0xC0, b""


def _encode_disconnect(packet: Disconnect) -> tuple[int, bytes]:
    return 0xE0, _reason(packet.reason)


def _reason(reason: int) -> bytes:
    # Left out for success: sections 3.4.2.1 and 3.14.2.1
    return bytes((reason,)) if reason else b""


def _packet_id(number: int) -> bytes:
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


def _decode_connack(reader: Reader) -> Connack:
    flags = reader.integer(1)
    reason = reader.integer(1)
    properties = reader.properties(_CONNACK_PROPERTIES)
    if flags > 1 or 0 < reason < 0x80 or (flags and reason):
        raise reader.wrong("flags 0x%02x with reason 0x%02x" % (flags, reason))
    return Connack(flags == 1, reason, properties)


def _decode_puback(reader: Reader) -> Puback:
    packet_id = reader.packet_id()
    return Puback(packet_id, _read_reason(reader, b"\x00\x10", _ANSWER_PROPERTIES))


def _decode_suback(reader: Reader) -> Suback:
    packet_id = reader.packet_id()
    reader.properties(_ANSWER_PROPERTIES)
    reasons = tuple(reader.rest())
    if not reasons:
        raise reader.wrong("no reason codes")
    for reason in reasons:
        if 2 < reason < 0x80:
            raise reader.wrong("reason 0x%02x" % reason)
    return Suback(packet_id, reasons)


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
    Connect: _encode_connect,
    Publish: _encode_publish,
    Puback: _encode_puback,
    Subscribe: _encode_subscribe,
    Pingreq: _encode_pingreq,
    Disconnect: _encode_disconnect,
}

# first byte: name and decoder; the flags of these packets are fixed
_DECODERS: "dict[int, Any]" = {
    0x20: ("CONNACK", _decode_connack),
    0x40: ("PUBACK", _decode_puback),
    0x90: ("SUBACK", _decode_suback),
    0xC0: ("PINGREQ", _decode_pingreq),
    0xD0: ("PINGRESP", _decode_pingresp),
    0xE0: ("DISCONNECT", _decode_disconnect),
}
