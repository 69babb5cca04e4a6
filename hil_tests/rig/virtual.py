"""The virtual board as a bench: it can do everything."""

from collections.abc import Mapping
from pathlib import Path

from haidang_board.rig import Board
from haidang_board.world import World

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
        self.set_contact(False)
        self.set_water_mm(0)
        self.set_air(30.0, 70.0)
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

    def set_contact(self, closed: bool) -> None:
        """The detector's relay pulls its pin to ground."""
        self._world.contact_closed = closed

    def set_water_mm(self, mm: int) -> None:
        """The ultrasonic meter's frames follow."""
        self._world.water_mm = mm

    def set_air(self, temp_c: float, humidity_pct: float) -> None:
        """The chips' bytes follow."""
        self._world.air_fault = ""
        self._world.temp_c, self._world.humidity_pct = temp_c, humidity_pct

    def break_air_probe(self, fault: str) -> None:
        """All three chips fail alike; the node asks one."""
        self._world.air_fault = fault

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
