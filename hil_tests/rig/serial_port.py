"""A real board on a serial port, with nothing beside it: no power switch, no stimulus."""

from collections.abc import Mapping
from pathlib import Path

from rig.bench import POWER, SMOKE_ADC, WIFI, BenchLacks

_LACKS = {
    POWER: "a serial port cannot cut the board's power",
    SMOKE_ADC: "nothing on this bench drives the smoke sensor's ADC pin",
    WIFI: "this bench cannot switch the Wi-Fi access point off",
}


class SerialBench:
    """A board at `port` that reaches this computer at `host` over the Wi-Fi `ssid`."""

    def __init__(self, port: str, host: str, ssid: str, key: str) -> None:
        """Keep the arguments."""
        self.name = f"board at {port}"
        self.lacks: Mapping[str, str] = _LACKS
        self.port = port
        self.host = host
        self.ssid = ssid
        self.key = key

    def open(self, folder: Path) -> None:
        """Nothing to do: the cable gives power, and whoever needs the port opens it."""

    def close(self) -> None:
        """Nothing to do."""

    def rest(self) -> None:
        """Nothing to do: nothing can have been changed."""

    def set_power(self, on: bool) -> None:
        """Not on this bench."""
        raise BenchLacks(_LACKS[POWER])

    def set_smoke_ppm(self, ppm: float) -> None:
        """Not on this bench."""
        raise BenchLacks(_LACKS[SMOKE_ADC])

    def set_wifi(self, up: bool) -> None:
        """Not on this bench."""
        raise BenchLacks(_LACKS[WIFI])
