"""MQTT 5 data types: integers and strings (OASIS MQTT 5.0, section 1.5)."""

from haidang_wire.errors import MalformedPacket, ProtocolError
from haidang_wire.utf8 import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)


class Reader:
    """Reads one packet's body; MalformedPacket where it ends too early or holds nonsense."""

    def __init__(self, buffer: "bytes | bytearray", at: int, end: int, name: str) -> None:
        self._buffer = buffer
        self._at = at
        self._end = end
        self._start = at
        self.name = name

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
        if not size:
            return {}
        # Few packets have any: what reads them need not stay in a node's memory.
        from haidang_wire.mqtt_properties import read

        return read(self, size, allowed)

    def wrong(self, what: str) -> MalformedPacket:
        """The error with packet and byte."""
        return MalformedPacket("%s: %s at byte %d" % (self.name, what, self._at - self._start))

    def _bytes(self, size: int) -> bytes:
        at = self._take(size)
        return bytes(memoryview(self._buffer)[at : at + size])

    def _take(self, size: int) -> int:
        at = self._at
        if at + size > self._end:
            raise self.wrong("ends too early")
        self._at = at + size
        return at


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
    if not properties:
        return b"\0"
    from haidang_wire.mqtt_properties import write

    return write(properties)
