"""machine.I2C, SoftI2C and dht_readinto of the virtual board; in MicroPython, loaded when used.

What goes over a bus is decided by the rig's world byte by byte. Times on the wire are not kept,
but for the DHT's, which stops the program on a chip too.
"""

import errno
import time

import rom_link
from micropython import const

# drivers/dht: 250 ms of rest, a start pulse of 18 ms, and 40 bits.
_DHT_MS = const(273)


class SoftI2C:
    """A bus made of two pins; a line held low reads as acknowledged zeros."""

    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        self._lines = getattr(sda, "_id", sda), getattr(scl, "_id", scl)

    def scan(self):
        found = []
        for address in range(0x08, 0x78):
            try:
                self.writeto(address, b"")
                found.append(address)
            except OSError:
                pass
        return found

    def writeto(self, addr, buf, stop=True):
        acknowledged = int(rom_link.ask("i2c-write", *self._lines, addr, "x" + bytes(buf).hex()))
        if acknowledged < 0:
            raise OSError(self._refused(acknowledged))
        return acknowledged

    def writevto(self, addr, vector, stop=True):
        return self.writeto(addr, b"".join([bytes(part) for part in vector]), stop)

    def readfrom_into(self, addr, buf, stop=True):
        answer = rom_link.ask("i2c-read", *self._lines, addr, len(buf))
        if answer == "-":
            raise OSError(self._refused(-1))
        buf[:] = bytes.fromhex(answer)

    def readfrom(self, addr, nbytes, stop=True):
        data = bytearray(nbytes)
        self.readfrom_into(addr, data, stop)
        return bytes(data)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big") + bytes(buf))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big"), False)
        self.readfrom_into(addr, buf)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        data = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, data, addrsize=addrsize)
        return bytes(data)

    def _refused(self, code):
        return errno.ETIMEDOUT if code == -2 else errno.ENODEV


class I2C(SoftI2C):
    """The chip's own controller: it gives up where a line is held low."""

    def __init__(self, id, *, scl=None, sda=None, freq=400000, timeout=50000):
        if not 0 <= id <= 1:
            raise ValueError("I2C(%s) doesn't exist" % id)
        default_scl, default_sda = (18, 19) if id == 0 else (25, 26)
        super().__init__(default_scl if scl is None else scl, default_sda if sda is None else sda)

    def writeto(self, addr, buf, stop=True):
        self._look()
        return super().writeto(addr, buf, stop)

    def readfrom_into(self, addr, buf, stop=True):
        self._look()
        super().readfrom_into(addr, buf, stop)

    def _look(self):
        for pin in self._lines:
            if rom_link.ask("read", pin) == "0":
                raise OSError(errno.ETIMEDOUT)


def dht_readinto(pin, buf):
    if len(buf) < 5:
        raise ValueError("buffer too small")
    time.sleep_ms(_DHT_MS)
    frame = bytes.fromhex(rom_link.ask("dht", pin._id))
    if not frame:
        raise OSError(errno.ETIMEDOUT)
    buf[:5] = frame


def time_pulse_us(pin, pulse_level, timeout_us=1000000):
    """The length of the pulse that the world's thing answers on the pin."""
    return int(rom_link.ask("pulse", getattr(pin, "_id", pin)))
