"""The outbox's records found and read on flash; `records` says what they are made of."""

import binascii
import struct

from micropython import const

from haidang_node.records import MAGIC, NAME, OWN, PACKED, crc, own, piece

_NAME_BYTES = const(16)
HEADER_BYTES = 20
# A pack is at most 8 KiB by contract; the node's own are below 1 KiB.
_BODY_LIMIT_BYTES = const(8192)
_SEARCH_BYTES = const(64)


def read_name(file, offset: int) -> tuple | None:
    """Bytes of the whole record, epoch, boot and number at `offset`, unchecked by CRC.

    None where no record can begin.
    """
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    mark, length, epoch, boot, seq = struct.unpack_from(NAME, header)
    length &= ~PACKED
    if mark != MAGIC or length > _BODY_LIMIT_BYTES:
        return None
    return HEADER_BYTES + length, binascii.hexlify(epoch).decode(), boot, seq


def read(file, offset: int) -> tuple | None:
    """Epoch, boot, number and payload of the record at `offset`; None where none is sound."""
    file.seek(offset)
    name = file.read(_NAME_BYTES)
    if len(name) < _NAME_BYTES or name[:2] != MAGIC:
        return None
    _, length, epoch, boot, seq = struct.unpack(NAME, name)
    packed = length & PACKED
    length &= ~PACKED
    if length > _BODY_LIMIT_BYTES:
        return None
    told = file.read(4)
    body = file.read(length)
    if len(body) < length or told != struct.pack("<I", crc(name, body)):
        return None
    epoch = binascii.hexlify(epoch).decode()
    if packed:
        try:
            body = unpack(body, own(epoch, boot, seq))
        except IndexError:
            # A later version wrote it: lost to this one, but it must not end a loop.
            return None
    return epoch, boot, seq, body


def find(file, offset: int) -> int:
    """Where the first sound record at or behind `offset` begins; -1 where there is none."""
    while True:
        file.seek(offset)
        piece = file.read(_SEARCH_BYTES)
        at = piece.find(MAGIC)
        if at >= 0:
            offset += at
            if read(file, offset):
                return offset
            offset += 1
        elif len(piece) < _SEARCH_BYTES:
            return -1
        else:
            # One byte again: the mark may straddle two pieces.
            offset += _SEARCH_BYTES - 1


def unpack(data: bytes, own: bytes) -> bytearray:
    """What was packed. IndexError where it was packed by a longer table."""
    size = 0
    for byte in data:
        size += 1 if byte < 0x80 else len(_text(byte, own))
    # In its full size at once: growing would leave holes in the heap.
    whole = bytearray(size)
    at = 0
    for byte in data:
        if byte < 0x80:
            whole[at] = byte
            at += 1
        else:
            text = _text(byte, own)
            whole[at : at + len(text)] = text
            at += len(text)
    return whole


def _text(byte: int, own: bytes) -> bytes:
    return own if byte == OWN else piece(byte - 0x80)
