"""What speaks to a UART besides the level meter: Wi-Fi sniffer, and lines to the outside."""

import os
import pty
import tty
from types import TracebackType
from typing import Self

from haidang_board.companion import Companion, tuned
from haidang_board.physics_phones import Crowd, random_habits
from haidang_board.world import SNIFFER_RX_PIN, World

# Which mixture of phones a world has; its own seed decides on each of them.
_HABITS = 1


class Sniffer:
    """The companion ESP32 among the world's phones, which stay and scan every probe_period_s."""

    rx_pin = SNIFFER_RX_PIN
    baud = 115200
    period_s = 0.05

    def __init__(self, world: World) -> None:
        self._world = world
        self.crowd = Crowd(world.random.getrandbits(32), random_habits(_HABITS))
        world.crowd = self.crowd
        self._companion = Companion(world.random, world.sniffer_window_s)

    def due(self, now_s: float) -> bytes:
        """The bytes of one period."""
        if self._world.sniffer_silent:
            return b""
        self._follow_crowd(now_s)
        for frame in self.crowd.until(now_s, tuned):
            self._companion.hear(frame.data, frame.rssi_dbm, frame.channel)
        self._companion.window_s = self._world.sniffer_window_s
        return self._companion.due(now_s)

    def _follow_crowd(self, now_s: float) -> None:
        crowd = self.crowd
        crowd.habits.period_s = self._world.probe_period_s
        while len(crowd.phones) > max(0, self._world.phones):
            crowd.leave(crowd.phones[-1])
        while len(crowd.phones) < self._world.phones:
            crowd.enter(now_s)


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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away; the board must be closed."""
        os.close(self.fd)
        os.close(self._port_fd)
