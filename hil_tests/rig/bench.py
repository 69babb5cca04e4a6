"""What a test may ask of a bench, and how a bench says what it lacks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

POWER = "power"
SMOKE_ADC = "smoke_adc"
WIFI = "wifi"
CONSOLE = "console"
CAPABILITIES = (POWER, SMOKE_ADC, WIFI, CONSOLE)


class BenchLacks(AssertionError):
    """A test used what it did not ask for with `@pytest.mark.needs`."""


class Bench(Protocol):
    """A place with one board; a test that needs what `lacks` names is skipped with its reason.

    `port` is the board's serial port; `host` is this computer's address as the board sees it;
    `ssid` and `key` are the Wi-Fi in the board's reach.
    """

    name: str
    lacks: Mapping[str, str]
    port: str
    host: str
    ssid: str
    key: str

    def open(self, folder: Path) -> None:
        """Take the bench into use, with room in `folder`; then the board has power and a port."""

    def close(self) -> None:
        """Let go of the board."""

    def rest(self) -> None:
        """Power on, clean air, Wi-Fi in reach: how every test begins and ends."""

    def set_power(self, on: bool) -> None:
        """Give the board power, or cut it in the middle of whatever it does (POWER)."""

    def set_smoke_ppm(self, ppm: float) -> None:
        """Smoke at the sensor, as its ADC pin sees it (SMOKE_ADC)."""

    def set_wifi(self, up: bool) -> None:
        """Take the board's Wi-Fi away, or give it back (WIFI)."""


def describe(bench: Bench) -> str:
    """One line for the report: which bench, and what it can do."""
    able = ", ".join(c for c in CAPABILITIES if c not in bench.lacks)
    return f"{bench.name}; can do: {able}"
