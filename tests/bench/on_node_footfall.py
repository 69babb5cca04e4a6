"""Runs on MicroPython: lines of the sniffer per second, and what the sensor keeps in RAM.

With the argument "viper" the parser's loop is compiled to machine code first; everything else
stays as it is.
"""

import gc
import json
import sys
import time

from haidang_node import log
from haidang_node.sensors import sniffer

if sys.argv[-1] == "viper":
    with open(sniffer.__file__) as file:
        text = file.read()
    for plain, viper in (
        (
            "    def take(self, buffer: bytearray, at: int, end: int) -> int:",
            "    @micropython.viper\n    def take(self, buffer, at: int, end: int) -> int:",
        ),
        (
            "line = self.line\n        filled = self._filled",
            "line, filled, given = ptr8(self.line), int(self._filled), ptr8(buffer)",
        ),
        ("line[filled] = buffer[at]", "line[filled] = given[at]"),
        ("filled = self._judged()", "filled = int(self._judged())"),
        ("from micropython import const", "import micropython\nfrom micropython import const"),
    ):
        assert plain in text, plain
        text = text.replace(plain, viper)
    exec(text, sniffer.__dict__)  # noqa: S102  our own text

from haidang_node.sensors.footfall import Footfall

log.start(log.ERROR + 1, lambda: 0)
_LINES = 4000
_CHUNK = 170


class _Tape:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def readinto(self, buffer):
        count = min(len(buffer), len(self.data) - self.at)
        if count <= 0:
            return None
        buffer[:count] = self.data[self.at : self.at + count]
        self.at += count
        return count


def _line(address, flags, sequence, signature):
    record = address.to_bytes(4, "little") + bytes([flags, 0]) + sequence.to_bytes(2, "little")
    record += signature.to_bytes(4, "little") + b"\xc4\x06"
    return b"\xa5\x5a" + record + bytes([sum(record) & 0xFF])


def _crowd():
    data = bytearray(_line(0, 0x80, 0, 0))
    for n in range(_LINES - 1):
        # A burst of four frames from one phone, half of the phones hide.
        mixed = (n // 4) * 0x9E3779B1 & 0xFFFFFFFF
        data += _line(mixed, n // 4 & 1, n & 0xFFF, (n // 4 % 23) * 0x85EBCA6B & 0xFFFFFFFF)
    return bytes(data)


def main():
    """Prints one JSON object."""
    data = _crowd()
    tape = _Tape(data)
    gc.collect()
    before = gc.mem_alloc()
    footfall = Footfall({"source": "sniffer"}, tape.readinto)
    gc.collect()
    kept = gc.mem_alloc() - before
    began = time.ticks_us()
    footfall.sample(0)
    took_us = time.ticks_diff(time.ticks_us(), began)
    assert footfall._lines == _LINES - 1
    print(json.dumps({"lines_per_s": _LINES * 1000000 // took_us, "kept_bytes": kept}))


main()
sys.exit(0)
