"""The outbox's records on flash: framed, checked by CRC-32, named by epoch, boot and number."""

import binascii
import struct

from micropython import const

# Marks the start of a record, so that reading finds its way again behind damaged bytes.
_MAGIC = b"\xa5H"
_HEADER = "<2sHII"
HEADER_BYTES = 12
# A pack is at most 8 KiB by contract; the node's own are below 1 KiB.
PAYLOAD_LIMIT_BYTES = 2048
_SEARCH_BYTES = const(64)


def frame(epoch: str, boot: int, seq: int, payload: bytes) -> bytes:
    """The bytes of one record."""
    crc = _crc(epoch, boot, seq, payload)
    return struct.pack(_HEADER, _MAGIC, len(payload), seq, crc) + payload


def read(file, offset: int, epoch: str, boot: int) -> tuple[int, bytes] | None:
    """Number and payload of the record at `offset`; None where no whole, sound record lies."""
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    magic, length, seq, crc = struct.unpack(_HEADER, header)
    if magic != _MAGIC or length > PAYLOAD_LIMIT_BYTES:
        return None
    payload = file.read(length)
    if len(payload) < length or _crc(epoch, boot, seq, payload) != crc:
        return None
    return seq, payload


def next_sound(file, offset: int, epoch: str, boot: int) -> tuple[int, int, bytes] | None:
    """Offset, number and payload of the first sound record at or behind `offset`."""
    found = read(file, offset, epoch, boot)
    while found is None:
        offset = _find_magic(file, offset + 1)
        if offset < 0:
            return None
        found = read(file, offset, epoch, boot)
    return offset, found[0], found[1]


def _find_magic(file, offset: int) -> int:
    while True:
        file.seek(offset)
        piece = file.read(_SEARCH_BYTES)
        at = piece.find(_MAGIC)
        if at >= 0:
            return offset + at
        if len(piece) < _SEARCH_BYTES:
            return -1
        # One byte again: the mark may straddle two pieces.
        offset += _SEARCH_BYTES - 1


def _crc(epoch: str, boot: int, seq: int, payload: bytes) -> int:
    name = "%s/%d/%d" % (epoch, boot, seq)
    return binascii.crc32(payload, binascii.crc32(name.encode())) & 0xFFFFFFFF
