"""Properties of MQTT 5 packets (OASIS MQTT 5.0, section 2.2.2); loaded where a packet has any."""

from haidang_wire.errors import ProtocolError
from haidang_wire.framing import write_varint
from haidang_wire.mqtt_bytes import Reader, write_binary, write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

USER_PROPERTY = 0x26
SUBSCRIPTION_ID = 0x0B
# As b"..." of property ids, by their type
_BYTE = b"\x01\x17\x19\x24\x25\x28\x29\x2a"
_TWO = b"\x13\x21\x22\x23"
_FOUR = b"\x02\x11\x18\x27"
_TEXT = b"\x03\x08\x12\x15\x1a\x1c\x1f"
_BINARY = b"\x09\x16"
_NOT_ZERO = b"\x0b\x21\x23\x27"


def read(reader: Reader, size: int, allowed: bytes) -> "dict[int, Any]":
    """The properties in the next `size` bytes. MalformedPacket, ProtocolError."""
    left = reader.left - size
    if left < 0:
        raise reader.wrong("properties longer than the packet")
    found: dict[int, Any] = {}
    while reader.left > left:
        _property(reader, allowed, found)
    if reader.left != left:
        raise reader.wrong("a property runs over the properties' end")
    return found


def write(properties: "dict[int, Any]") -> bytes:
    """Properties with their length before them, in rising order of ids."""
    out = b""
    for number in sorted(properties):
        value = properties[number]
        values = value if number in (USER_PROPERTY, SUBSCRIPTION_ID) else (value,)
        for one in values:
            out += bytes((number,)) + _property_bytes(number, one)
    return write_varint(len(out)) + out


def _property_bytes(number: int, value: "Any") -> bytes:
    if number in _TEXT:
        return write_text(value)
    if number in _BINARY:
        return write_binary(value)
    if number == USER_PROPERTY:
        return write_text(value[0]) + write_text(value[1])
    if number == SUBSCRIPTION_ID:
        return write_varint(value)
    data: bytes = value.to_bytes(_integer_size(number), "big")
    return data


def _integer_size(number: int) -> int:
    if number in _BYTE:
        return 1
    if number in _TWO:
        return 2
    return 4 if number in _FOUR else 0


def _property(reader: Reader, allowed: bytes, found: "dict[int, Any]") -> None:
    number = reader.varint()
    if number > 0xFF or number not in allowed:
        raise reader.wrong("property 0x%02x does not belong here" % number)
    value = _value(reader, number)
    if (number in _BYTE and value > 1) or (number in _NOT_ZERO and value == 0):
        raise ProtocolError("%s: property 0x%02x is %d" % (reader.name, number, value))
    if number in (USER_PROPERTY, SUBSCRIPTION_ID):
        found.setdefault(number, []).append(value)
    elif number in found:
        raise ProtocolError("%s: property 0x%02x twice" % (reader.name, number))
    else:
        found[number] = value


def _value(reader: Reader, number: int) -> "Any":
    size = _integer_size(number)
    if size:
        return reader.integer(size)
    if number in _TEXT:
        return reader.text()
    if number in _BINARY:
        return reader.binary()
    if number == USER_PROPERTY:
        return (reader.text(), reader.text())
    return reader.varint()
