"""The outbox's records on flash: framed, checked by CRC-32, named by epoch, boot and number."""

import binascii
import struct

from micropython import const

from haidang_node import packing

# Marks the start of a record, so that reading finds its way again behind damaged bytes.
_MAGIC = b"\xa5I"
# Mark, length, epoch, boot, number; the CRC over these and the body follows.
_NAME = "<2sH4sII"
_NAME_BYTES = const(16)
HEADER_BYTES = 20
_PACKED = const(0x8000)
# A pack is at most 8 KiB by contract; the node's own are below 1 KiB.
_BODY_LIMIT_BYTES = const(8192)
_SEARCH_BYTES = const(64)


def frame(epoch: str, boot: int, seq: int, payload: bytes) -> bytes:
    """The bytes of one record."""
    body = packing.pack(payload, _own(epoch, boot, seq))
    flag = _PACKED
    if body is None:
        body, flag = payload, 0
    name = struct.pack(_NAME, _MAGIC, len(body) | flag, binascii.unhexlify(epoch), boot, seq)
    return name + struct.pack("<I", _crc(name, body)) + body


def read_name(file, offset: int) -> tuple | None:
    """Bytes of the whole record, epoch, boot and number at `offset`, unchecked by CRC.

    None where no record can begin.
    """
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    mark, length, epoch, boot, seq = struct.unpack_from(_NAME, header)
    length &= ~_PACKED
    if mark != _MAGIC or length > _BODY_LIMIT_BYTES:
        return None
    return HEADER_BYTES + length, binascii.hexlify(epoch).decode(), boot, seq


def read(file, offset: int) -> tuple | None:
    """Epoch, boot, number and payload of the record at `offset`; None where none is sound."""
    file.seek(offset)
    name = file.read(_NAME_BYTES)
    if len(name) < _NAME_BYTES or name[:2] != _MAGIC:
        return None
    _, length, epoch, boot, seq = struct.unpack(_NAME, name)
    packed = length & _PACKED
    length &= ~_PACKED
    if length > _BODY_LIMIT_BYTES:
        return None
    crc = file.read(4)
    body = file.read(length)
    if len(body) < length or crc != struct.pack("<I", _crc(name, body)):
        return None
    epoch = binascii.hexlify(epoch).decode()
    if packed:
        try:
            body = packing.unpack(body, _own(epoch, boot, seq))
        except IndexError:
            # A later version wrote it: lost to this one, but it must not end a loop.
            return None
    return epoch, boot, seq, body


def find(file, offset: int) -> int:
    """Where the first sound record at or behind `offset` begins; -1 where there is none."""
    while True:
        file.seek(offset)
        piece = file.read(_SEARCH_BYTES)
        at = piece.find(_MAGIC)
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


def _own(epoch: str, boot: int, seq: int) -> bytes:
    return b'"he":"%s","hb":%d,"hs":%d' % (epoch.encode(), boot, seq)


def _crc(name: bytes, body: bytes) -> int:
    return binascii.crc32(body, binascii.crc32(name)) & 0xFFFFFFFF
