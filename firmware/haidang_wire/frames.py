"""COBS frames of a serial link: between two 0x00 bytes lies one frame without any 0x00."""

# On the wire, both delimiters included: 250 ms of air at 9600 baud.
FRAME_BYTES = 240
BODY_BYTES = 237
_CODE_BYTES = 238


def wrap(body: "bytes | bytearray") -> bytes:
    """The frame of a body of at most 237 bytes, with a delimiter before and behind.

    The leading delimiter ends whatever noise came before, such as the one of a driver's start.
    """
    if len(body) > BODY_BYTES:
        raise ValueError("frame body of %d bytes, at most %d" % (len(body), BODY_BYTES))
    # No run without a zero reaches 254 bytes here, so COBS needs no other code.
    runs = bytes(body).split(b"\0")
    return b"\0" + b"".join([bytes((len(run) + 1,)) + run for run in runs]) + b"\0"


def unwrap(code: "bytes | bytearray | memoryview") -> "bytearray | None":
    """The body of what lay between two delimiters; None where it is no COBS."""
    body = bytearray()
    at = 0
    end = len(code)
    while at < end:
        step = code[at]
        if step == 0 or step > _CODE_BYTES or at + step > end:
            return None
        if at:
            body.append(0)
        body += code[at + 1 : at + step]
        at += step
    return body


class Deframer:
    """Bytes in any pieces to frame bodies; holds 238 bytes at most and never loses its way.

    `good`, `bad` (no COBS) and `overlong` count; a frame's content is checked by its signature.
    """

    def __init__(self) -> None:
        self._code = bytearray(_CODE_BYTES)
        self._filled = 0
        self._skipping = False
        self.good = 0
        self.bad = 0
        self.overlong = 0

    def feed(self, data: "bytes | bytearray", count: int = -1) -> "list[bytearray]":
        """The bodies that `data` (its first `count` bytes) completes, in order."""
        end = len(data) if count < 0 else count
        bodies: list[bytearray] = []
        at = 0
        while at < end:
            delimiter = data.find(b"\0", at, end)
            self._add(data, at, end if delimiter < 0 else delimiter)
            if delimiter < 0:
                break
            self._complete(bodies)
            at = delimiter + 1
        return bodies

    def _add(self, data: "bytes | bytearray", start: int, end: int) -> None:
        filled = self._filled + end - start
        if self._skipping or filled > _CODE_BYTES:
            self._skipping = True
            return
        self._code[self._filled : filled] = data[start:end]
        self._filled = filled

    def _complete(self, bodies: "list[bytearray]") -> None:
        filled, self._filled = self._filled, 0
        if self._skipping:
            self._skipping = False
            self.overlong += 1
        elif filled:
            body = unwrap(memoryview(self._code)[:filled])
            if body is None:
                self.bad += 1
            else:
                self.good += 1
                bodies.append(body)
