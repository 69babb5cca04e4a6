"""Bytes of a connection, in any pieces, to MQTT 5 packets."""

from haidang_wire.errors import MalformedPacket, MqttError, PacketTooLarge
from haidang_wire.packets import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

_FIRST_BYTES = 512  # enough for acknowledgements and commands; grows up to the maximum


class Decoder:
    """Bytes in any pieces to packets; after an error it only repeats that error."""

    def __init__(self, maximum_packet_bytes: int) -> None:
        self._maximum_bytes = maximum_packet_bytes
        self._buffer = bytearray(min(maximum_packet_bytes, _FIRST_BYTES))
        self._start = 0
        self._end = 0
        self._failure: "MqttError | None" = None

    def feed(self, data: "bytes | bytearray | memoryview") -> None:
        """Take received bytes; all whole packets must be read before the next call."""
        waiting = self._end - self._start
        if waiting > self._maximum_bytes:
            raise PacketTooLarge("%d bytes were never read from the decoder" % waiting)
        if self._start:
            self._buffer[:waiting] = self._buffer[self._start : self._end]
            self._start = 0
        self._end = waiting + len(data)
        if self._end > len(self._buffer):
            self._buffer.extend(bytes(self._end - len(self._buffer)))
        self._buffer[waiting : self._end] = data

    def next(self) -> "Any | None":
        """The next whole packet, or None. MalformedPacket, PacketTooLarge, ProtocolError."""
        if self._failure:
            raise self._failure
        try:
            return self._next()
        except MqttError as failure:
            self._failure = failure
            raise

    def _next(self) -> "Any | None":
        if self._start == self._end:
            return None
        length, at = self._length()
        if at == 0:
            return None
        if at - self._start + length > self._maximum_bytes:
            raise PacketTooLarge(
                "packet of %d bytes, at most %d" % (at - self._start + length, self._maximum_bytes)
            )
        if at + length > self._end:
            return None
        first = self._buffer[self._start]
        self._start = at + length
        return decode(first, self._buffer, at, at + length)

    def _length(self) -> tuple[int, int]:
        # Remaining length and where the body starts; (0, 0) while it is not all there.
        length = 0
        at = self._start + 1
        for shift in (0, 7, 14, 21):
            if at == self._end:
                return 0, 0
            byte = self._buffer[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    break
                return length, at
        raise MalformedPacket("fixed header: remaining length is no variable byte integer")
