"""The packets that open a connection and subscribe; a node forgets them once it is connected."""

from collections import namedtuple

from haidang_wire.errors import ProtocolError
from haidang_wire.framing import framed
from haidang_wire.mqtt_bytes import Reader, write_binary, write_properties, write_text
from haidang_wire.packets import ANSWER_PROPERTIES, check_topic, packet_id_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

Connect = namedtuple(
    "Connect",
    ("client_id", "clean_start", "keepalive_s", "will", "username", "password", "properties"),
)
Connack = namedtuple("Connack", ("session_present", "reason", "properties"))
# filters: tuples (filter, options byte)
Subscribe = namedtuple("Subscribe", ("packet_id", "filters"))
Suback = namedtuple("Suback", ("packet_id", "reasons"))

WILL_DELAY = 0x18
_CONNACK_PROPERTIES = b"\x11\x12\x13\x15\x16\x1a\x1c\x1f\x21\x22\x24\x25\x26\x27\x28\x29\x2a"


def encode_opening(packet: "Any") -> bytes:
    """CONNECT or SUBSCRIBE, and what a server answers. ProtocolError if it cannot be written."""
    if isinstance(packet, Connect):
        first, body = _encode_connect(packet)
    elif isinstance(packet, Subscribe):
        first, body = _encode_subscribe(packet)
    else:
        from haidang_wire.packets_server import encode_answer

        return encode_answer(packet)
    return framed(first, body)


def decode_opening(first: int, buffer: "bytes | bytearray", at: int, end: int) -> "Any":
    """CONNACK or SUBACK, and what a server is asked. MalformedPacket, ProtocolError."""
    if first in (0x10, 0x82):
        from haidang_wire.packets_server import decode_request

        return decode_request(first, buffer, at, end)
    reader = Reader(buffer, at, end, "CONNACK" if first == 0x20 else "SUBACK")
    packet = _decode_connack(reader) if first == 0x20 else _decode_suback(reader)
    reader.finish()
    return packet


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


def _encode_subscribe(packet: Subscribe) -> tuple[int, bytes]:
    if not packet.filters:
        raise ProtocolError("SUBSCRIBE without a filter")
    body = packet_id_bytes(packet.packet_id) + b"\x00"
    for topic_filter, options in packet.filters:
        body += write_text(topic_filter) + bytes((options,))
    return 0x82, body


def _decode_connack(reader: Reader) -> Connack:
    flags = reader.integer(1)
    reason = reader.integer(1)
    properties = reader.properties(_CONNACK_PROPERTIES)
    if flags > 1 or 0 < reason < 0x80 or (flags and reason):
        raise reader.wrong("flags 0x%02x with reason 0x%02x" % (flags, reason))
    return Connack(flags == 1, reason, properties)


def _decode_suback(reader: Reader) -> Suback:
    packet_id = reader.packet_id()
    reader.properties(ANSWER_PROPERTIES)
    reasons = tuple(reader.rest())
    if not reasons:
        raise reader.wrong("no reason codes")
    for reason in reasons:
        if 2 < reason < 0x80:
            raise reader.wrong("reason 0x%02x" % reason)
    return Suback(packet_id, reasons)
