"""Whether memory runs short.

Loaded alone, so that the code of a round is not taken for memory that is gone.
"""

import gc

from micropython import const

# Below this a packet, a status and a command do not fit; a piece holds the largest buffer.
FLOOR_BYTES = const(8192)
_PIECE_BYTES = const(2048)
# Mbed TLS with 4 KiB records needs more than this to connect.
_TLS_FLOOR_BYTES = const(20480)


def look(free_bytes, online: bool) -> str | None:
    """What memory is short of now; None where it suffices.

    free_bytes(): ESP-IDF heap, free and largest block.
    """
    free = _gc_free()
    return shortage(free, free_bytes(), _whole_piece(), online)


def shortage(free: int, idf: tuple, whole_piece: bool, online: bool) -> str | None:
    """What memory is short of, out of the bytes free in both heaps; None where it suffices."""
    if free < FLOOR_BYTES:
        return "memory: %d bytes free" % free
    if not whole_piece:
        return "memory: %d bytes free, none of %d in one piece" % (free, _PIECE_BYTES)
    # TLS takes its pieces while it connects: without them the node is never heard again.
    if not online and min(idf) < _TLS_FLOOR_BYTES:
        return "memory: %d bytes left for TLS, %d in one piece" % idf
    return None


def _gc_free() -> int:
    gc.collect()
    return gc.mem_free()


def _whole_piece() -> bool:
    try:
        bytearray(_PIECE_BYTES)
    except MemoryError:
        return False
    return True
