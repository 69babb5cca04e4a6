"""The frame around every MQTT 5 packet (OASIS MQTT 5.0, section 2.1)."""


def framed(first: int, *pieces: bytes, before: bytes = b"") -> bytes:
    """A whole packet from its first byte and the pieces of its body, behind `before`."""
    size = 0
    for piece in pieces:
        size += len(piece)
    # In one step: a node in use has little room for a second large piece.
    return b"".join((before, bytes((first,)), write_varint(size)) + pieces)  # noqa: RUF005


def write_varint(value: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        out.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(out)


def is_ascii(name: bytes) -> bool:
    """Whether it is a text of 1 to 65,535 ASCII characters without NUL."""
    return 0 < len(name) <= 0xFFFF and max(name) < 0x80 and min(name) > 0
