"""The outbox's records made: loaded for each flush; `records` says what they are made of."""

import binascii
import struct

from haidang_node.records import MAGIC, NAME, OWN, PACKED, STARTS, crc, own, piece


def framed(outbox, batch: list) -> list:
    """The records of all packs of `batch`."""
    boots = outbox.boots
    return [frame(boots[held.key][0], boots[held.key][1], held.seq, held.source) for held in batch]


def frame(epoch: str, boot: int, seq: int, payload: bytes) -> tuple:
    """One record: its header, and its body, apart since a full heap has no piece for the whole."""
    body = pack(payload, own(epoch, boot, seq))
    flag = PACKED
    if body is None:
        body, flag = payload, 0
    name = struct.pack(NAME, MAGIC, len(body) | flag, binascii.unhexlify(epoch), boot, seq)
    return name + struct.pack("<I", crc(name, body)), body


def pack(data: bytes, own: bytes) -> bytes | None:
    """Packed bytes; None for what is no plain ASCII, or where memory has no piece for them.

    own: the text that this pack alone has.
    """
    if max(data, default=0) > 0x7F:
        return None
    try:
        # One piece of memory that only shrinks, not a new one for each text that is replaced.
        packed = bytearray(data)
        _put(packed, own, bytes((OWN,)))
        code = bytearray(1)
        for number in range(len(STARTS)):
            code[0] = 0x80 + number
            _put(packed, piece(number), code)
        # It keeps the memory that it had in the beginning: four times what is left of a pack.
        return bytes(packed)
    except MemoryError:
        return None


def _put(packed: bytearray, text: bytes, code: bytes | bytearray) -> None:
    at = packed.find(text)
    while at >= 0:
        packed[at : at + len(text)] = code
        at = packed.find(text, at + 1)
