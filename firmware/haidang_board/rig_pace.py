"""What happens to a board by itself as time passes: sensor bytes, timer periods, the watchdog."""

import math

from haidang_board.rig_chip import Chip
from haidang_board.rig_life import LifeWires
from haidang_board.world import World
from haidang_board.world_meter import Ultrasonic
from haidang_board.world_serial import Sniffer

IDLE_S = 0.25


class Pace:
    """Drives the serial sensors of one world and the timers of one chip; steady seconds in."""

    def __init__(self, world: World, chip: Chip) -> None:
        self._world = world
        self._chip = chip
        self._devices: list[Ultrasonic | Sniffer] = [Ultrasonic(world), Sniffer(world)]
        # When each speaks next; inf while it is not wired to a UART.
        self._due_s = [math.inf] * len(self._devices)

    def turn(self, now_s: float, wires: LifeWires) -> float:
        """Do what is due; returns when the next thing is, inf for nothing."""
        return min(self.feed(now_s, wires), self.tick(now_s, wires))

    def watchdog_bites(self, now_s: float) -> bool:
        """Whether the firmware has failed to feed its watchdog."""
        due_s = self._chip.watchdog_due_s
        return due_s is not None and now_s >= due_s

    def feed(self, until_s: float, wires: LifeWires) -> float:
        """Give the board what the sensors on its UARTs say until then; when they speak next."""
        for index, device in enumerate(self._devices):
            uart = self._wired(device.rx_pin)
            if uart is None:
                self._due_s[index] = math.inf
                continue
            setting = self._chip.uarts[uart]
            due_s = until_s if self._due_s[index] == math.inf else self._due_s[index]
            while due_s <= until_s:
                self._world.now_s = due_s
                data = device.due(due_s)
                wires.receive(uart, data, setting.buffer_bytes, setting.baud == device.baud)
                due_s += device.period_s
            self._due_s[index] = due_s
        # What was fed in advance has been said: the world's time does not go back.
        self._world.now_s = max(self._world.now_s, until_s)
        return min(self._due_s)

    def _wired(self, rx_pin: int) -> int | None:
        for number, setting in self._chip.uarts.items():
            if setting.rx_pin == rx_pin:
                return number
        return None

    def tick(self, now_s: float, wires: LifeWires) -> float:
        """Tell the board of the timers whose period is over; when the next one's is."""
        next_s = math.inf
        for number, timer in list(self._chip.timers.items()):
            if now_s >= timer.due_s:
                wires.tick(number)
                timer.due_s += timer.period_s
                if not timer.periodic:
                    del self._chip.timers[number]
                    continue
            next_s = min(next_s, timer.due_s)
        return next_s
