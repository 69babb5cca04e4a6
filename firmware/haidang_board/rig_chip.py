"""The chip around the interpreter: answers what the ROM asks for, keeps what outlives a reset."""

from collections.abc import Callable
from dataclasses import dataclass

from haidang_board.rig_nvs import Nvs
from haidang_board.rig_station import Station
from haidang_board.world import World

CAUSES = {"power": 1, "reset": 2, "watchdog": 3, "sleep": 4, "soft": 5}
# Wake causes of ESP-IDF: an input (ext0), the timer.
WOKEN_BY_PIN, WOKEN_BY_TIMER = 2, 4


@dataclass(slots=True)
class Again:
    """The board asked to be started again."""

    cause: str
    mode: str = "friendly"
    delay_s: float = 0.0


@dataclass(slots=True)
class Uart:
    """How the firmware has set up one UART; `rx_pin` -1 is off."""

    baud: int = 0
    rx_pin: int = -1
    buffer_bytes: int = 256


@dataclass(slots=True)
class Timer:
    """One hardware timer."""

    period_s: float
    periodic: bool
    due_s: float


class Chip:
    """One request in, one answer out; `now_s` is the host's steady time."""

    def __init__(self, mac: str, world: World, nvs: Nvs) -> None:
        self.again: Again | None = None
        self.watchdog_due_s: float | None = None
        self.timers: dict[int, Timer] = {}
        self.uarts: dict[int, Uart] = {}
        self.armed: dict[int, int] = {}
        self.clock_us = 0
        self.cause = "power"
        self.woken_by = 0
        self.ready = False
        self.rom_heap_bytes = 0
        self.events_fd = -1
        self.route: Callable[[str, int], int | None] = _no_route
        self.waiting: Callable[[int], int] = _nothing_waiting
        self.idle: Callable[[int, int], str] = _real_wait
        self.interruptible: Callable[[bool], None] = _no_terminal
        self._mac = mac
        self._world = world
        self._nvs = nvs
        self._memory = ""
        self._wake_pin, self._wake_level = -1, 0
        self._pull: dict[int, int] = {}
        self._watchdog_s = 0.0
        self._now_s = 0.0
        self._station = Station(world)

    def power_on(self, cause: str) -> None:
        """Begin a life: what a reset of this kind clears is cleared."""
        self.cause = cause
        if cause != "sleep":
            self.woken_by = 0
        self.again = None
        self.ready = False
        self.uarts = {1: Uart(), 2: Uart()}
        self.timers, self.armed, self._pull = {}, {}, {}
        self._wake_pin, self._wake_level = -1, 0
        if cause == "soft":
            return
        self.watchdog_due_s = None
        self._station.power_on()
        self._nvs.load()
        self._world.release()
        if cause == "power":
            self._world.air_power_on()
            self._world.smoke_power_on()
            self._memory, self.clock_us = "", 0

    def answer(self, words: list[str], now_s: float) -> str:
        """Carry out one request of the ROM."""
        self._now_s = self._world.now_s = now_s
        if words[0] == "wifi":
            return self._station.answer(words[1:], now_s)
        name = "_do_" + words[0].replace("-", "_")
        handler: Callable[..., str | int | None] = getattr(self, name)
        result = handler(*words[1:])
        return "" if result is None else str(result)

    def wifi_connected(self, now_s: float) -> bool:
        """Whether the station has an address."""
        return self._station.connected(now_s)

    def _do_ready(self, used_bytes: str) -> None:
        self.ready = True
        self.rom_heap_bytes = int(used_bytes)

    def _do_idle(self, skipped_ms: str, wait_ms: str) -> str:
        return self.idle(int(skipped_ms), int(wait_ms))

    def _do_keys(self, interruptible: str) -> None:
        self.interruptible(interruptible == "1")

    def _do_events(self) -> int:
        return self.events_fd

    def _do_mac(self) -> str:
        return self._mac

    def _do_cause(self) -> int:
        return CAUSES[self.cause]

    def _do_mode(self, pin: str, mode: str, pull: str) -> None:
        del mode
        if pull != "-1":
            self._pull[int(pin)] = int(pull)

    def _do_read(self, pin: str) -> int:
        return self._world.level(int(pin), self._pull.get(int(pin)) == 2)

    def _do_drive(self, pin: str, level: str) -> None:
        self._world.drive(int(pin), int(level), int(self._now_s * 1000))

    def _do_pwm(self, pin: str, duty: str) -> None:
        self._world.drive(int(pin), int(duty), int(self._now_s * 1000))

    def _do_pixels(self, pin: str, colours: str) -> None:
        self._world.drive(int(pin), int(colours or "0", 16), int(self._now_s * 1000))

    def _do_irq(self, pin: str, trigger: str) -> None:
        self.armed[int(pin)] = int(trigger)

    def _do_adc(self, pin: str) -> int:
        return self._world.adc_uv(int(pin))

    def _do_pulse(self, pin: str) -> int:
        return self._world.pulse_us(int(pin))

    def _do_i2c_write(self, sda: str, scl: str, address: str, data: str) -> int:
        return self._world.i2c_write(int(sda), int(scl), int(address), bytes.fromhex(data[1:]))

    def _do_i2c_read(self, sda: str, scl: str, address: str, count: str) -> str:
        data = self._world.i2c_read(int(sda), int(scl), int(address), int(count))
        return "-" if data is None else data.hex()

    def _do_dht(self, pin: str) -> str:
        return self._world.dht_frame(int(pin)).hex()

    def _do_temp(self) -> int:
        return round(self._world.temp_c * 9 / 5 + 32)

    def _do_timer(self, number: str, period_ms: str, mode: str) -> None:
        period_s = int(period_ms) / 1000
        self.timers.pop(int(number), None)
        if period_s:
            self.timers[int(number)] = Timer(period_s, mode == "1", self._now_s + period_s)

    def _do_uart(self, number: str, baud: str, rx_pin: str, buffer_bytes: str) -> None:
        self.uarts[int(number)] = Uart(int(baud), int(rx_pin), max(256, int(buffer_bytes)))

    def _do_waiting(self, number: str) -> int:
        return self.waiting(int(number))

    def _do_wdt(self, timeout_ms: str) -> None:
        self._watchdog_s = int(timeout_ms) / 1000
        self._do_feed()

    def _do_feed(self) -> None:
        self.watchdog_due_s = self._now_s + self._watchdog_s

    def _do_clock(self, set_us: str) -> None:
        self.clock_us = int(set_us)

    def _do_memory(self, data: str | None = None) -> str | None:
        if data is None:
            return self._memory
        self._memory = data[1:]
        return None

    def _do_soft(self, mode: str) -> None:
        self.again = Again("soft", mode)

    def _do_reset(self) -> None:
        self.again = Again("reset")

    def wakes(self) -> bool:
        """Whether a sleeping chip's wake input has its level now (an external pull resistor)."""
        return self._wake_pin >= 0 and (
            self._world.level(self._wake_pin, not self._wake_level) == self._wake_level
        )

    def _do_wake(self, pin: str, level: str) -> None:
        self._wake_pin, self._wake_level = int(pin), int(level)

    def _do_woken(self) -> int:
        return self.woken_by

    def _do_sleep(self, time_ms: str) -> None:
        self.again = Again("sleep", delay_s=int(time_ms) / 1000 or float("inf"))

    def _do_nvs_get(self, space: str, key: str) -> str:
        return self._nvs.get(space, key)

    def _do_nvs_set(self, space: str, key: str, value: str) -> None:
        self._nvs.set(space, key, value)

    def _do_nvs_erase(self, space: str, key: str) -> int:
        return int(self._nvs.erase(space, key))

    def _do_nvs_commit(self, space: str) -> None:
        self._nvs.commit(space)

    def _do_route(self, host: str, port: str) -> str:
        if not self.wifi_connected(self._now_s):
            return "no-network"
        relay_port = self.route(host, int(port))
        return "no-host" if relay_port is None else str(relay_port)


def _no_route(_host: str, port: int) -> int | None:
    return port


def _real_wait(_skipped_ms: int, wait_ms: int) -> str:
    return f"0 {wait_ms}"


def _nothing_waiting(_uart: int) -> int:
    return 0


def _no_terminal(_interruptible: bool) -> None:
    return
