"""The virtual board as a bench: it can do everything."""

from collections.abc import Mapping
from pathlib import Path

from haidang_board.rig import Board
from haidang_board.world import SIREN_PIN, World
from haidang_board.world_smoke import SILENCE_PIN
from haidang_board.world_water import FLOAT_PIN

_MAC = "240ac4000001"
# 160 KiB for the application; the virtual board's own ROM, which a chip has in flash, takes 37.
_HEAP = "197K"
# What makes time fast is a further part of the ROM: 5 KiB.
_FAST_HEAP = "202K"


class VirtualBench:
    """A virtual board that is bare when the bench is opened."""

    def __init__(self) -> None:
        """Choose the surroundings; `open` makes the board."""
        self.name = "virtual board"
        self.lacks: Mapping[str, str] = {}
        self.port = ""
        self.host = "127.0.0.1"
        self.broker_port: int | None = None
        self.attended = False
        self._world = World()
        ((self.ssid, self.key),) = self._world.networks.items()
        self._board: Board

    def open(self, folder: Path) -> None:
        """Power a bare board whose flash lies in `folder`."""
        self._board = Board(folder / "flash.img", _MAC, self._world, _HEAP)
        self._board.power_on()
        self.port = self._board.port

    def close(self) -> None:
        """Power off and unplug."""
        self._board.close()

    def rest(self) -> None:
        """Power on, clean and mild air, no water, Wi-Fi in reach."""
        self.set_fast(False)
        self.set_smoke_ppm(0)
        self.break_smoke("")
        self.set_contact(False)
        self.press_silence(False)
        self.set_water_mm(0)
        self.set_meter("a02yyuw")
        self.break_meter("")
        self.set_float(False)
        self.set_air(25.0, 70.0)
        self.set_phones(0, 30.0, 10.0)
        self.break_sniffer("")
        self.set_wifi(True)
        if not self._board.powered:
            self.set_power(True)

    def set_power(self, on: bool) -> None:
        """SIGKILL is the power cut."""
        if on:
            self._board.power_on()
        else:
            self._board.power_off()

    def set_smoke_ppm(self, ppm: float) -> None:
        """Through the MQ-2's law to microvolts on the pin."""
        self._world.smoke_ppm = ppm

    def break_smoke(self, fault: str) -> None:
        """Wires, a frozen pin, or a supply that sags."""
        world = self._world
        world.smoke_open, world.smoke_short = fault == "open", fault == "short"
        world.smoke_stuck = fault == "stuck"
        world.supply_mv = 4200 if fault == "supply" else 5000

    def press_silence(self, down: bool) -> None:
        """The button pulls its pin to ground."""
        self._world.set_level(SILENCE_PIN, 0 if down else 1)

    def siren_turns(self) -> int:
        """Edges of the siren's pin."""
        return sum(pin == SIREN_PIN for _, pin, _ in list(self._world.edges))

    def set_contact(self, closed: bool) -> None:
        """The detector's relay pulls its pin to ground."""
        self._world.contact_closed = closed

    def set_water_mm(self, mm: int) -> None:
        """The ultrasonic meter's frames follow."""
        self._world.water_mm = mm

    def set_meter(self, make: str) -> None:
        """On the UART or on the analogue pin."""
        self._world.meter = make
        self._world.transducer = make if make in ("current", "voltage") else ""

    def break_meter(self, fault: str) -> None:
        """A dead meter, one set to another rate, a loose contact, a broken or shorted loop."""
        world = self._world
        world.ultrasonic_silent = fault == "silent"
        world.meter_baud = 115200 if fault == "baud" else 9600
        world.meter_fault = "cut" if fault == "cut" else ""
        world.transducer_fault = fault if fault in ("open", "short") else ""

    def set_float(self, up: bool) -> None:
        """Up closes it to ground."""
        self._world.set_level(FLOAT_PIN, 0 if up else 1)

    def set_air(self, temp_c: float, humidity_pct: float) -> None:
        """The chips' bytes follow."""
        self._world.air_fault = ""
        self._world.temp_c, self._world.humidity_pct = temp_c, humidity_pct

    def break_air_probe(self, fault: str) -> None:
        """All three chips fail alike; the node asks one."""
        self._world.air_fault = fault

    def set_phones(self, staying: int, scan_s: float, window_s: float) -> None:
        """Their frames reach the companion."""
        self._world.phones, self._world.probe_period_s = staying, scan_s
        self._world.sniffer_window_s = window_s

    def break_sniffer(self, fault: str) -> None:
        """The world's faults have these names."""
        self._world.sniffer_fault = fault

    def set_wifi(self, up: bool) -> None:
        """The access point vanishes and comes back."""
        self._world.wifi_up = up

    def set_fast(self, on: bool) -> None:
        """An asyncio of the board's own makes the pauses skippable."""
        self._board.fast = on
        self._board.heap = _FAST_HEAP if on else _HEAP

    def pass_time(self, ms: int) -> None:
        """The board's idle waits are skipped."""
        self._board.hurry(ms)
