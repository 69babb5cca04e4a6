"""machine.UART of the virtual board: a stream that select and asyncio accept; runs in MicroPython."""

import io
import select

import rom_link

_POLL = 3
_FILENO = 10
_DEFAULT_PINS = {1: (10, 9), 2: (17, 16)}
_fds = {}
_files = {}


def attach(fds):
    """Remember the inherited file numbers, by UART number."""
    _fds.update(fds)


class UART(io.IOBase):
    """One UART; bytes arrive from what the world has wired to the `rx` pin."""

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **settings):
        if id not in _fds:
            raise ValueError("UART(%s) does not exist" % id)
        self._id = id
        if id not in _files:
            _files[id] = open(_fds[id], "r+b", 0)
        self._file = _files[id]
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
        invert=0
    ):
        default = _DEFAULT_PINS[self._id]
        rom_link.ask("uart", self._id, baudrate, _pin(rx, default[1]), rxbuf)
        self._timeout_ms = timeout

    def deinit(self):
        rom_link.ask("uart", self._id, 0, -1, 0)

    def any(self):
        return rom_link.number("waiting", self._id)

    def readinto(self, buf, nbytes=-1):
        wanted = len(buf) if nbytes < 0 else min(nbytes, len(buf))
        view = memoryview(buf)
        got = 0
        while got < wanted and self._poll.poll(self._timeout_ms):
            count = self._file.readinto(view[got:wanted])
            if not count:
                break
            got += count
        return got or None

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
            return self._fds_number()
        if op == _POLL:
            ready = self._poll.poll(0)
            return (ready[0][1] if ready else 0) & arg | arg & 4
        return 0

    def _fds_number(self):
        return _fds[self._id]


def _pin(pin, default):
    return default if pin is None else getattr(pin, "_id", pin)
