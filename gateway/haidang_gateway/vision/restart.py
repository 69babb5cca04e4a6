"""Where a stream begins anew: what came before such a packet is needed for no later picture. Pure.

Not each key frame is such a place: behind an open group's, or while a stream refreshes itself
stripe by stripe, pictures still build on older ones.
"""

from collections.abc import Iterator

_START = b"\0\0\1"
LOOKED_AT_BYTES = 4096
"""The units before the first slice of a picture lie in these."""


def begins_anew(codec: str, start: bytes, *, counted: bool = False) -> bool:
    """Whether a packet's first slice forgets all older pictures; `start` is how it begins.

    Its units are marked, as in streams, or `counted` (four bytes of length before each), as in
    films. Only H.264 and H.265 tell, other codecs never do.
    """
    headers = _counted(start) if counted else _marked(start)
    if codec == "h264":
        slices = (header & 31 for header in headers if 1 <= header & 31 <= 5)
        return next(slices, None) == 5
    if codec == "hevc":
        kinds = (header >> 1 & 63 for header in headers)
        return 16 <= next((kind for kind in kinds if kind < 32), 0) <= 20
    return False


def _marked(start: bytes) -> Iterator[int]:
    """The first byte of each unit."""
    at = start.find(_START) + 3
    while 3 <= at < len(start):
        yield start[at]
        at = start.find(_START, at) + 3


def _counted(start: bytes) -> Iterator[int]:
    at = 4
    while at < len(start):
        yield start[at]
        at += 4 + int.from_bytes(start[at - 4 : at], "big")
