"""machine.UART of the virtual board, a stream for select and asyncio; in MicroPython."""

import io
import select

import rom_link
from micropython import const

_POLL = const(3)
_FILENO = const(10)
_files = []


def attach(fds):
    """Open the wires of UART 1 and 2 inherited from the rig, as (file, number)."""
    for fd in fds:
        _files.append((open(fd, "r+b", 0), fd))


class UART(io.IOBase):
    """One UART; bytes arrive from what the world has wired to the `rx` pin."""

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **settings):
        if not 1 <= id <= 2:
            raise ValueError("UART(%s) does not exist" % id)
        self._id = id
        self._file, self._fd = _files[id - 1]
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self.init(baudrate, bits, parity, stop, **settings)

    def init(
        self,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        txbuf=256,
        rxbuf=256,
        timeout=0,
        timeout_char=0,
        invert=0,
    ):
        pin = (9, 16)[self._id - 1] if rx is None else getattr(rx, "_id", rx)
        rom_link.ask("uart", self._id, baudrate, pin, rxbuf)
        self._timeout_ms = timeout

    def deinit(self):
        rom_link.ask("uart", self._id, 0, -1, 0)

    def any(self):
        return int(rom_link.ask("waiting", self._id))

    def readinto(self, buf, nbytes=-1):
        view = memoryview(buf)[:nbytes] if nbytes >= 0 else buf
        return self._file.readinto(view) if self._poll.poll(self._timeout_ms) else None

    def read(self, nbytes=-1):
        data = bytearray(nbytes if nbytes >= 0 else max(1, self.any()))
        count = self.readinto(data)
        return bytes(memoryview(data)[:count]) if count else None

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.read(1)
            if not byte:
                break
            line += byte
        return line or None

    def write(self, buf):
        return self._file.write(buf)

    def flush(self):
        pass

    def txdone(self):
        return True

    def ioctl(self, op, arg):
        if op == _FILENO:
            return self._fd
        if op == _POLL:
            ready = self._poll.poll(0)
            return (ready[0][1] if ready else 0) & arg | arg & 4
        return 0
