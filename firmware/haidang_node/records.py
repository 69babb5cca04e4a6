"""The outbox's records on flash: framed, checked by CRC-32, named by epoch, boot and number.

Here they are made; `finding` reads them.
"""

import binascii
import struct

from haidang_node import packing

# Marks the start of a record, so that reading finds its way again behind damaged bytes.
MAGIC = b"\xa5I"
# Mark, length, epoch, boot, number; the CRC over these and the body follows.
NAME = "<2sH4sII"
PACKED = 0x8000


def framed(outbox, batch: list) -> list:
    """The records of all packs of `batch`."""
    boots = outbox.boots
    return [frame(boots[held.key][0], boots[held.key][1], held.seq, held.source) for held in batch]


def frame(epoch: str, boot: int, seq: int, payload: bytes) -> tuple:
    """One record: its header, and its body, apart since a full heap has no piece for the whole."""
    body = packing.pack(payload, own(epoch, boot, seq))
    flag = PACKED
    if body is None:
        body, flag = payload, 0
    name = struct.pack(NAME, MAGIC, len(body) | flag, binascii.unhexlify(epoch), boot, seq)
    return name + struct.pack("<I", crc(name, body)), body


def own(epoch: str, boot: int, seq: int) -> bytes:
    """The text that a pack alone has, for `packing`."""
    return b'"he":"%s","hb":%d,"hs":%d' % (epoch.encode(), boot, seq)


def crc(name: bytes, body: bytes | bytearray) -> int:
    """The CRC-32 of a record."""
    return binascii.crc32(body, binascii.crc32(name)) & 0xFFFFFFFF
