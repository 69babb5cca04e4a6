"""Bytes of a connection, in any pieces, to MQTT 5 packets."""

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
        self._failure: "ValueError | None" = None

    def feed(self, data: "bytes | bytearray | memoryview") -> None:
        """Take received bytes; all whole packets must be read before the next call."""
        waiting = self._end - self._start
        if waiting > self._maximum_bytes:
            # Errors are loaded where one is raised: a node's memory is small.
            from haidang_wire.errors import PacketTooLarge

            raise PacketTooLarge("%d bytes were never read from the decoder" % waiting)
        if self._start:
            self._buffer[:waiting] = self._buffer[self._start : self._end]
            self._start = 0
        self._end = waiting + len(data)
        if self._end > len(self._buffer):
            self._buffer.extend(bytes(self._end - len(self._buffer)))
        self._buffer[waiting : self._end] = data

    def next(self, read: "Any" = None) -> "Any | None":
        """The next whole packet as `read(first, buffer, at, end)` gives it, or None.

        Without `read` it is the codec's. MalformedPacket, PacketTooLarge, ProtocolError.
        """
        if self._failure:
            raise self._failure
        if read is None:
            from haidang_wire.packets import decode as read
        try:
            return self._next(read)
        except ValueError as failure:
            self._failure = failure
            raise

    def _next(self, read: "Any") -> "Any | None":
        start = self._start
        at = start + 1
        length = shift = 0
        byte = 0x80
        while byte > 0x7F:
            if at >= self._end:
                return None
            byte = self._buffer[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if shift > 7 and (byte == 0 or (shift == 28 and byte > 0x7F)):
                from haidang_wire.errors import MalformedPacket

                raise MalformedPacket("fixed header: remaining length is no variable byte integer")
        if at - start + length > self._maximum_bytes:
            from haidang_wire.errors import PacketTooLarge

            raise PacketTooLarge(
                "packet of %d bytes, at most %d" % (at - start + length, self._maximum_bytes)
            )
        if at + length > self._end:
            return None
        self._start = at + length
        return read(self._buffer[start], self._buffer, at, at + length)
