"""The `neopixel` module of the virtual board; runs in MicroPython, loaded when first used."""

import rom_link as _link


class NeoPixel:
    """A chain of addressable lights; the world sees what `write` sends."""

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)

    def __len__(self):
        return self.n

    def __setitem__(self, i, v):
        self.buf[i * self.bpp : (i + 1) * self.bpp] = bytes(v)

    def __getitem__(self, i):
        return tuple(self.buf[i * self.bpp : (i + 1) * self.bpp])

    def fill(self, v):
        for i in range(self.n):
            self[i] = v

    def write(self):
        _link.ask("pixels", self.pin._id, self.buf.hex())
