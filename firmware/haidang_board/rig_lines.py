"""Joins the UARTs of one chip with the serial lines of its world."""

import contextlib
import os
from functools import partial

from haidang_board.rig_chip import Chip
from haidang_board.rig_life import LifeWires
from haidang_board.rig_loop import Loop
from haidang_board.world import World
from haidang_board.world_serial import Line

_READ_BYTES = 4096
_GARBLE = 0xA5  # what a wrong baud rate does to a byte, near enough


class Lines:
    """Bytes go both ways as soon as they come; without a line they are lost, as on a bare pin."""

    def __init__(self, world: World, chip: Chip) -> None:
        self._world = world
        self._chip = chip
        self._wires: LifeWires | None = None
        self._loop: Loop | None = None
        self._watched: set[int] = set()

    def begin(self, loop: Loop, wires: LifeWires) -> None:
        """A life begins; lines may have been laid since the last one."""
        if loop is not self._loop:
            self._loop, self._watched = loop, set()
        self._wires = wires
        for number, wire in wires.uarts.items():
            loop.watch(wire.fileno(), partial(self._sent, number))
        for line in self._world.lines.values():
            if line.fd not in self._watched:
                self._watched.add(line.fd)
                loop.watch(line.fd, partial(self._came, line))

    def end(self) -> None:
        """The life is over: what comes now is lost."""
        wires, self._wires = self._wires, None
        if wires is not None and self._loop is not None:
            for wire in wires.uarts.values():
                self._loop.unwatch(wire.fileno())

    def _sent(self, number: int) -> None:
        if self._wires is None:
            return
        with contextlib.suppress(OSError):
            data = self._wires.uarts[number].recv(_READ_BYTES)
            setting = self._chip.uarts[number]
            line = self._world.lines.get(setting.rx_pin)
            if line is not None:
                os.write(line.fd, _heard(data, setting.baud == line.baud))
            elif setting.baud == self._world.meter_baud:
                self._world.heard(setting.rx_pin, data)

    def _came(self, line: Line) -> None:
        with contextlib.suppress(OSError):
            data = os.read(line.fd, _READ_BYTES)
            for number, setting in self._chip.uarts.items():
                if self._wires is not None and setting.rx_pin == line.rx_pin:
                    readable = setting.baud == line.baud
                    self._wires.receive(number, data, setting.buffer_bytes, readable)


def _heard(data: bytes, readable: bool) -> bytes:
    return data if readable else bytes(byte ^ _GARBLE for byte in data)
