"""What speaks to a UART besides the level meter: Wi-Fi sniffer, and lines to the outside."""

import os
import pty
import random
import tty
from typing import Self

from haidang_board.companion import LINE_BYTES, Companion, tuned
from haidang_board.physics_phones import Crowd, Phone, random_habits
from haidang_board.world import SNIFFER_RX_PIN, World

# Which mixture of phones a world has; its own seed decides on each of them.
_HABITS = 1


class Sniffer:
    """The companion ESP32 among the world's phones, with the world's fault.

    It and the phones live in its own time, which begins when it is first heard: which frames it
    catches on its channels must not hang on when the host or the board was started.
    """

    rx_pin = SNIFFER_RX_PIN
    period_s = 0.05

    def __init__(self, world: World) -> None:
        self._world = world
        self.crowd = Crowd(world.random.getrandbits(32), random_habits(_HABITS))
        world.crowd = self.crowd
        chance = random.Random(world.random.randbytes(16))
        self._companion = Companion(chance, world.sniffer_window_s)
        self._staying: list[Phone] = []
        self._comes_s = 0.0
        self._lines = 0
        self._began_s: float | None = None

    @property
    def baud(self) -> int:
        """The rate of its line."""
        return self._world.sniffer_baud

    def due(self, now_s: float) -> bytes:
        """The bytes of one period."""
        if self._began_s is None:
            self._began_s = now_s
        fault = self._world.sniffer_fault
        if fault == "silent":
            return b""
        # To the millisecond: what a difference of two floats leaves would move a heartbeat.
        own_s = round(now_s - self._began_s, 3)
        self._follow_crowd(own_s)
        for frame in self.crowd.until(own_s, tuned):
            if fault != "deaf":
                self._companion.hear(frame.data, frame.rssi_dbm, frame.channel)
        self._companion.window_s = self._world.sniffer_window_s
        self._companion.stands = fault == "stuck"
        data = self._companion.due(own_s)
        return self._disturbed(data) if fault == "noisy" else data

    def _follow_crowd(self, now_s: float) -> None:
        world, crowd = self._world, self.crowd
        if world.habits is not None:
            crowd.habits = world.habits
        crowd.habits.period_s = world.probe_period_s
        while len(self._staying) > max(0, world.phones):
            crowd.leave(self._staying.pop())
        while len(self._staying) < world.phones:
            self._staying.append(crowd.enter(now_s))
        if world.passing_per_min <= 0:
            self._comes_s = now_s
        while self._comes_s < now_s:
            crowd.enter(self._comes_s, crowd.chance.expovariate(1 / world.pass_s))
            self._comes_s += crowd.chance.expovariate(world.passing_per_min / 60)

    def _disturbed(self, data: bytes) -> bytes:
        result = bytearray(data)
        for at in range(0, len(data), LINE_BYTES):
            self._lines += 1
            if self._lines % 3 == 0:
                result[at + 9] ^= 0x10
        return bytes(result)


class Line:
    """A serial line from the UART whose rx is `rx_pin` to a pseudo-terminal, `port`.

    Put it into `world.lines` before the board starts. Bytes pass at once, in both directions; a
    board with another baud rate hears and says garbage.
    """

    def __init__(self, rx_pin: int, baud: int = 115200) -> None:
        self.rx_pin = rx_pin
        self.baud = baud
        self.port = ""
        self.fd = -1
        self._port_fd = -1

    def __enter__(self) -> Self:
        """Lay it: from now on `port` exists."""
        self.fd, self._port_fd = pty.openpty()
        tty.setraw(self._port_fd)
        os.set_blocking(self.fd, False)
        self.port = os.ttyname(self._port_fd)
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away; the board must be closed."""
        os.close(self.fd)
        os.close(self._port_fd)
