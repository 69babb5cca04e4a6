"""Signed frames of a serial link: what is in a frame's body, and who may have written it."""

import hashlib
import struct

from haidang_wire.frames import BODY_BYTES, wrap

VERSION = 1
KEY_BYTES = 32
TAG_BYTES = 16
CHALLENGE_BYTES = 16
# Frame kinds; what a node sends has the highest bit. A master's own echo is told by it.
HELLO = 0x01
POLL = 0x02
FROM_NODE = 0x80
WELCOME = 0x81
ANSWER = 0x82

# kind, the node's MAC, counter
HEAD = ">B6sI"
HEAD_BYTES = 11
CONTENT_BYTES = BODY_BYTES - HEAD_BYTES - TAG_BYTES
# WELCOME: version, challenge, epoch, boot
GREETING = ">B16sII"
# An answer's counter is its poll's, and below it the number of the frame in the answer.
ANSWER_BITS = 3
# A new session begins long before a counter could repeat; small numbers on a 32-bit board.
LAST_POLL = (1 << 26) - 1

_BLOCK_BYTES = 64
_LABEL = b"haidang serial 1"


class Key:
    """HMAC-SHA-256 (RFC 2104) under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a serial key has %d bytes, not %d" % (KEY_BYTES, len(key)))
        rest = bytes(_BLOCK_BYTES - KEY_BYTES)
        self._inner = bytes([byte ^ 0x36 for byte in key + rest])
        self._outer = bytes([byte ^ 0x5C for byte in key + rest])

    def digest(self, data: "bytes | bytearray", more: bytes = b"") -> bytes:
        """The 32 bytes over `data` and `more`."""
        inner = hashlib.sha256(self._inner)
        inner.update(data)
        inner.update(more)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()

    def frame(
        self, kind: int, mac: bytes, counter: int, content: bytes, unsent: bytes = b""
    ) -> bytes:
        """A frame for the wire; `unsent` is signed with it and known to both."""
        body = struct.pack(HEAD, kind, mac, counter) + content
        return wrap(body + self.digest(body, unsent)[:TAG_BYTES])

    def signed(self, body: bytearray, unsent: bytes = b"") -> bool:
        """Whether the body's last 16 bytes are its signature; takes as long either way."""
        if len(body) < HEAD_BYTES + TAG_BYTES:
            return False
        wanted = self.digest(body[:-TAG_BYTES], unsent)
        difference = 0
        for i in range(TAG_BYTES):
            difference |= wanted[i] ^ body[i - TAG_BYTES]
        return difference == 0

    def session(self, mac: bytes, of_master: bytes, of_node: bytes, he: int, hb: int) -> "Key":
        """The key of one session: of both challenges and the node's boot."""
        named = mac + of_master + of_node + struct.pack(">II", he, hb)
        return Key(self.digest(_LABEL, named))


def address_of(node: str) -> bytes:
    """A node's address on the bus: the 6 bytes of its MAC."""
    return bytes.fromhex(node[2:])
