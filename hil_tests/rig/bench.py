"""What a test may ask of a bench, and how a bench says what it lacks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

CONSOLE = "console"
POWER = "power"
WIFI = "wifi"
SMOKE_ADC = "smoke_adc"
CONTACT = "contact"
LEVEL_UART = "level_uart"
LEVEL_FAULTS = "level_faults"
AIR_PROBE = "air_probe"
SNIFFER = "sniffer"
SMOKE_FAULTS = "smoke_faults"
SIREN = "siren"
FAST_TIME = "fast_time"
CAPABILITIES = (
    CONSOLE,
    POWER,
    WIFI,
    SMOKE_ADC,
    SMOKE_FAULTS,
    CONTACT,
    SIREN,
    LEVEL_UART,
    LEVEL_FAULTS,
    AIR_PROBE,
    SNIFFER,
    FAST_TIME,
)


class Bench(Protocol):
    """A place with one board; a test that needs what `lacks` names is skipped with its reason.

    `port` is the board's serial port; `host` is this computer's address as the board sees it,
    `broker_port` the broker's port where a firewall needs a certain one; `ssid` and `key` are the
    Wi-Fi in the board's reach. `attended` tells that a person must lift
    a hand for each power cut, so nobody is asked for one without need.
    """

    name: str
    lacks: Mapping[str, str]
    attended: bool
    port: str
    host: str
    broker_port: int | None
    ssid: str
    key: str

    def open(self, folder: Path) -> None:
        """Take the bench into use, with room in `folder`; then the board has power and a port."""

    def close(self) -> None:
        """Let go of the board."""

    def rest(self) -> None:
        """Power on, clean air, no water, Wi-Fi in reach: how every test begins and ends."""

    def set_power(self, on: bool) -> None:
        """Give the board power, or cut it in the middle of whatever it does (POWER)."""

    def set_wifi(self, up: bool) -> None:
        """Take the board's Wi-Fi away, or give it back (WIFI)."""

    def set_smoke_ppm(self, ppm: float) -> None:
        """Smoke at the sensor, as its ADC pin sees it (SMOKE_ADC)."""

    def break_smoke(self, fault: str) -> None:
        """The MQ-2 fails: open, short, stuck, supply; "" works again (SMOKE_FAULTS)."""

    def press_silence(self, down: bool) -> None:
        """The silence button on GPIO 14 (SIREN)."""

    def siren_turns(self) -> int:
        """How often the siren has been switched on or off (SIREN)."""

    def set_contact(self, closed: bool) -> None:
        """The smoke detector's relay contact (CONTACT)."""

    def set_water_mm(self, mm: int) -> None:
        """Water under the level meter, as the frames on its UART tell it (LEVEL_UART)."""

    def set_meter(self, make: str) -> None:
        """Which make of level meter is fitted, by its driver's name (LEVEL_FAULTS)."""

    def break_meter(self, fault: str) -> None:
        """The meter fails: silent, baud, cut, open, short; "" works again (LEVEL_FAULTS)."""

    def set_float(self, up: bool) -> None:
        """The float switch on GPIO 33 (LEVEL_FAULTS)."""

    def set_air(self, temp_c: float, humidity_pct: float) -> None:
        """The air that the thermometer chip feels; it works (AIR_PROBE)."""

    def break_air_probe(self, fault: str) -> None:
        """The chip's lines or bytes fail: silent, noisy, short, stuck, open (AIR_PROBE)."""

    def set_phones(self, staying: int, scan_s: float, window_s: float) -> None:
        """So many phones stay in the sniffer's reach and scan this often; its key lives for
        window_s (SNIFFER).
        """

    def break_sniffer(self, fault: str) -> None:
        """The sniffer fails: silent, noisy, baud, stuck; "" works again (SNIFFER)."""

    def set_fast(self, on: bool) -> None:
        """Whether the next start is one in which time can pass quickly (FAST_TIME)."""

    def pass_time(self, ms: int) -> None:
        """Let the board live through this much of its own time, quickly (FAST_TIME)."""


def describe(bench: Bench) -> str:
    """One line for the report: which bench, and what it can do."""
    able = ", ".join(c for c in CAPABILITIES if c not in bench.lacks)
    return f"{bench.name}; can do: {able}"
