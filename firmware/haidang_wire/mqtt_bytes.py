"""MQTT 5 data types: integers, strings, properties (OASIS MQTT 5.0, sections 1.5 and 2.2.2)."""

from haidang_wire.errors import MalformedPacket, ProtocolError
from haidang_wire.utf8 import text_of

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


class Reader:
    """Reads one packet's body; MalformedPacket where it ends too early or holds nonsense."""

    def __init__(self, buffer: "bytes | bytearray", at: int, end: int, name: str) -> None:
        self._buffer = buffer
        self._at = at
        self._end = end
        self._start = at
        self._name = name

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self._end - self._at

    def integer(self, size: int) -> int:
        """A big-endian number of `size` bytes."""
        at = self._take(size)
        value = 0
        for i in range(at, at + size):
            value = value << 8 | self._buffer[i]
        return value

    def packet_id(self) -> int:
        """A packet id, never 0."""
        value = self.integer(2)
        if value == 0:
            raise self.wrong("packet id 0")
        return value

    def varint(self) -> int:
        """A variable byte integer of at most 4 bytes, in its shortest form."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.integer(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise self.wrong("variable byte integer is not the shortest")
                return value
        raise self.wrong("variable byte integer above 4 bytes")

    def binary(self) -> bytes:
        """Bytes with their length before them."""
        return self._bytes(self.integer(2))

    def text(self) -> str:
        """UTF-8 with its length before it, without NUL."""
        data = self.binary()
        try:
            text = text_of(data)
        except UnicodeError as cause:
            raise self.wrong("text is not UTF-8") from cause
        if "\0" in text:
            raise self.wrong("text holds NUL")
        return text

    def topic(self) -> str:
        """A topic name: no wildcards."""
        text = self.text()
        if "+" in text or "#" in text:
            raise self.wrong("topic with a wildcard")
        return text

    def rest(self) -> bytes:
        """All that is left."""
        return self._bytes(self._end - self._at)

    def finish(self) -> None:
        """MalformedPacket if anything is left."""
        if self._at != self._end:
            raise self.wrong("%d bytes too many" % self.left)

    def properties(self, allowed: bytes) -> "dict[int, Any]":
        """Properties by id; user properties as a list of pairs."""
        size = self.varint()
        if size > self.left:
            raise self.wrong("properties longer than the packet")
        end = self._at + size
        found: dict[int, Any] = {}
        while self._at < end:
            self._property(allowed, found)
        if self._at != end:
            raise self.wrong("a property runs over the properties' end")
        return found

    def wrong(self, what: str) -> MalformedPacket:
        """The error with packet and byte."""
        return MalformedPacket("%s: %s at byte %d" % (self._name, what, self._at - self._start))

    def _property(self, allowed: bytes, found: "dict[int, Any]") -> None:
        number = self.varint()
        if number > 0xFF or number not in allowed:
            raise self.wrong("property 0x%02x does not belong here" % number)
        value = self._property_value(number)
        if (number in _BYTE and value > 1) or (number in _NOT_ZERO and value == 0):
            raise ProtocolError("%s: property 0x%02x is %d" % (self._name, number, value))
        if number in (USER_PROPERTY, SUBSCRIPTION_ID):
            found.setdefault(number, []).append(value)
        elif number in found:
            raise ProtocolError("%s: property 0x%02x twice" % (self._name, number))
        else:
            found[number] = value

    def _property_value(self, number: int) -> "Any":
        size = _integer_size(number)
        if size:
            return self.integer(size)
        if number in _TEXT:
            return self.text()
        if number in _BINARY:
            return self.binary()
        if number == USER_PROPERTY:
            return (self.text(), self.text())
        return self.varint()

    def _bytes(self, size: int) -> bytes:
        at = self._take(size)
        return bytes(memoryview(self._buffer)[at : at + size])

    def _take(self, size: int) -> int:
        at = self._at
        if at + size > self._end:
            raise self.wrong("ends too early")
        self._at = at + size
        return at


def write_varint(value: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        out.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(out)


def write_text(text: str) -> bytes:
    """UTF-8 with its length before it."""
    return write_binary(text.encode())


def write_binary(data: bytes) -> bytes:
    """Bytes with their length before them; ProtocolError above 65,535."""
    if len(data) > 0xFFFF:
        raise ProtocolError("a field of %d bytes, at most 65535" % len(data))
    return len(data).to_bytes(2, "big") + data


def write_properties(properties: "dict[int, Any]") -> bytes:
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
