"""What happens to a board by itself as time passes: sensor bytes, timer periods, the watchdog."""

from haidang_board.rig_chip import Chip
from haidang_board.rig_life import LifeWires
from haidang_board.world import World
from haidang_board.world_serial import Sniffer, Ultrasonic

IDLE_S = 0.25


class Pace:
    """Drives the serial sensors of one world and the timers of one chip; steady seconds in."""

    def __init__(self, world: World, chip: Chip) -> None:
        self._world = world
        self._chip = chip
        self._devices: list[Ultrasonic | Sniffer] = [Ultrasonic(world), Sniffer(world)]
        self._due_s = [0.0] * len(self._devices)

    def turn(self, now_s: float, wires: LifeWires) -> float:
        """Do what is due; returns when the next thing is, at most IDLE_S away."""
        self._world.now_s = now_s
        return min(now_s + IDLE_S, self._feed(now_s, wires), self._tick(now_s, wires))

    def watchdog_bites(self, now_s: float) -> bool:
        """Whether the firmware has failed to feed its watchdog."""
        due_s = self._chip.watchdog_due_s
        return due_s is not None and now_s >= due_s

    def _feed(self, now_s: float, wires: LifeWires) -> float:
        next_s = now_s + IDLE_S
        for index, device in enumerate(self._devices):
            uart = self._wired(device.rx_pin)
            if uart is None:
                continue
            if now_s >= self._due_s[index]:
                setting = self._chip.uarts[uart]
                data = device.due(now_s)
                wires.receive(uart, data, setting.buffer_bytes, setting.baud == device.baud)
                self._due_s[index] = now_s + device.period_s
            next_s = min(next_s, self._due_s[index])
        return next_s

    def _wired(self, rx_pin: int) -> int | None:
        for number, setting in self._chip.uarts.items():
            if setting.rx_pin == rx_pin:
                return number
        return None

    def _tick(self, now_s: float, wires: LifeWires) -> float:
        next_s = now_s + IDLE_S
        for number, timer in list(self._chip.timers.items()):
            if now_s >= timer.due_s:
                wires.tick(number)
                timer.due_s += timer.period_s
                if not timer.periodic:
                    del self._chip.timers[number]
                    continue
            next_s = min(next_s, timer.due_s)
        return next_s
