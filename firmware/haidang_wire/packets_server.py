"""The server's half of the packet codec: for tests and stand-ins, never loaded on a node."""

from haidang_wire.errors import ProtocolError
from haidang_wire.framing import framed
from haidang_wire.mqtt_bytes import Reader, write_properties
from haidang_wire.packets import PUBLISH_PROPERTIES, Pingresp
from haidang_wire.packets_opening import WILL_DELAY, Connack, Connect, Suback, Subscribe
from haidang_wire.session_events import Will

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

_CONNECT_PROPERTIES = b"\x11\x15\x16\x17\x19\x21\x22\x26\x27"
_SUBSCRIBE_PROPERTIES = b"\x0b\x26"
_WILL_PROPERTIES = PUBLISH_PROPERTIES + b"\x18"


def encode_answer(packet: "Any") -> bytes:
    """CONNACK, SUBACK or PINGRESP."""
    if isinstance(packet, Connack):
        head = bytes((1 if packet.session_present else 0, packet.reason))
        return framed(0x20, head + write_properties(packet.properties))
    if isinstance(packet, Suback):
        number = packet.packet_id.to_bytes(2, "big")
        return framed(0x90, number + b"\x00" + bytes(packet.reasons))
    if isinstance(packet, Pingresp):
        return framed(0xD0, b"")
    raise ProtocolError("%s is no packet" % repr(packet)[:60])


def decode_request(first: int, buffer: "bytes | bytearray", at: int, end: int) -> "Any":
    """CONNECT or SUBSCRIBE. MalformedPacket, ProtocolError."""
    connect = first == 0x10
    reader = Reader(buffer, at, end, "CONNECT" if connect else "SUBSCRIBE")
    packet = _connect(reader) if connect else _subscribe(reader)
    reader.finish()
    return packet


def _connect(reader: Reader) -> Connect:
    if reader.text() != "MQTT" or reader.integer(1) != 5:
        raise ProtocolError("CONNECT: not MQTT 5")
    flags = reader.integer(1)
    if flags & 1:
        raise reader.wrong("reserved flag")
    keepalive_s = reader.integer(2)
    properties = reader.properties(_CONNECT_PROPERTIES)
    client_id = reader.text()
    will = _will(reader, flags)
    username = reader.text() if flags & 0x80 else None
    password = reader.binary() if flags & 0x40 else None
    return Connect(client_id, bool(flags & 2), keepalive_s, will, username, password, properties)


def _will(reader: Reader, flags: int) -> "Will | None":
    qos = flags >> 3 & 3
    if not flags & 4:
        if flags & 0x38:
            raise reader.wrong("will flags without a will")
        return None
    if qos > 1:
        raise reader.wrong("will with QoS %d" % qos)
    properties = reader.properties(_WILL_PROPERTIES)
    topic = reader.topic()
    if not topic:
        raise ProtocolError("CONNECT: empty will topic")
    return Will(topic, reader.binary(), qos, bool(flags & 0x20), properties.get(WILL_DELAY, 0))


def _subscribe(reader: Reader) -> Subscribe:
    packet_id = reader.packet_id()
    reader.properties(_SUBSCRIBE_PROPERTIES)
    filters = []
    while reader.left:
        topic_filter = reader.text()
        options = reader.integer(1)
        if not topic_filter or options & 0xC0 or options & 3 == 3 or options & 0x30 == 0x30:
            raise reader.wrong("filter or options")
        filters.append((topic_filter, options))
    if not filters:
        raise ProtocolError("SUBSCRIBE: no filter")
    return Subscribe(packet_id, tuple(filters))
