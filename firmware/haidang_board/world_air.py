"""The air around one board, and the thermometers that are wired to it.

All three hang on the reference wiring: SHT3x (0x44) and AHT20 (0x38) on the I2C bus of GPIO21
(SDA) and GPIO22 (SCL), DHT22 on GPIO4; a node asks the one that its node.json names.
"""

import random
from typing import Any

from haidang_board.air_chips import Aht20, Sht3x, dht22_frame
from haidang_board.physics_air import day_air
from haidang_board.world_time import WorldTime

AIR_SDA_PIN = 21
AIR_SCL_PIN = 22
AIR_DHT_PIN = 4
# Lines with pull-up resistors: high at rest.
AIR_PINS = (AIR_SDA_PIN, AIR_SCL_PIN, AIR_DHT_PIN)

_HOUR_S = 3600.0
FAULTS = ("", "silent", "noisy", "stuck", "short", "open", "uncalibrated")


class AirWorld(WorldTime):
    """Temperature and relative humidity, and what the probes make of them.

    `weather` True: they follow the hours of a day between `low_c` and `high_c`, the first
    start being at `from_hour`; setting `temp_c` or `humidity_pct` ends that.
    `air_fault` breaks whichever probe is asked: "silent" unplugged; "noisy" wrong checksums;
    "stuck" the same reading for ever; "short" the data line held low; "open" a torn element (the
    lowest code); "uncalibrated" (AHT20).
    """

    random: random.Random

    def __init__(self) -> None:
        self.weather = False
        self.low_c = 24.0
        self.high_c = 34.0
        self.from_hour = 6.0
        self._temp_c = 25.0
        self._humidity_pct = 70.0
        self._air_fault = ""
        self._still: tuple[float, float] | None = None
        self.air_power_on()

    def air_power_on(self) -> None:
        """The chips begin anew."""
        self._chips: dict[int, Any] = {0x44: Sht3x(), 0x38: Aht20()}

    @property
    def temp_c(self) -> float:
        """Air temperature now."""
        return self._air()[0]

    @temp_c.setter
    def temp_c(self, temp_c: float) -> None:
        self._humidity_pct = self.humidity_pct
        self._temp_c, self.weather = temp_c, False

    @property
    def humidity_pct(self) -> float:
        """Relative humidity now."""
        return self._air()[1]

    @humidity_pct.setter
    def humidity_pct(self, humidity_pct: float) -> None:
        self._temp_c = self.temp_c
        self._humidity_pct, self.weather = humidity_pct, False

    @property
    def air_fault(self) -> str:
        """What is broken; "" nothing."""
        return self._air_fault

    @air_fault.setter
    def air_fault(self, fault: str) -> None:
        if fault not in FAULTS:
            raise ValueError(f"air_fault is one of {', '.join(FAULTS)}, not {fault}")
        if "short" in (fault, self._air_fault):
            for pin in (AIR_SDA_PIN, AIR_DHT_PIN):
                self.set_level(pin, 0 if fault == "short" else 1)
        self._air_fault = fault
        self._still = self._air() if fault == "stuck" else None

    def i2c_write(self, sda: int, scl: int, address: int, data: bytes) -> int:
        """Bytes acknowledged of a write; -1 where nothing answers to the address."""
        chip = self._chip(sda, scl, address)
        if self.air_fault == "short" and sda == AIR_SDA_PIN:
            return len(data)
        if chip is None:
            return -1
        acknowledged: int = chip.write(data, self.now_s)
        return acknowledged

    def i2c_read(self, sda: int, scl: int, address: int, count: int) -> bytes | None:
        """What a read gets; None where nothing answers."""
        if self.air_fault == "short" and sda == AIR_SDA_PIN:
            return bytes(count)
        chip = self._chip(sda, scl, address)
        if chip is None:
            return None
        data: bytes | None = chip.read(count, self.now_s, *self._felt(), self.air_fault)
        return data

    def dht_frame(self, pin: int) -> bytes:
        """The five bytes of a DHT22 on this pin; none where nothing answers."""
        if pin != AIR_DHT_PIN or self.air_fault in ("silent", "short"):
            return b""
        return dht22_frame(*self._felt(), self.air_fault)

    def set_level(self, pin: int, level: int) -> None:
        """The world's."""
        raise NotImplementedError

    def _chip(self, sda: int, scl: int, address: int) -> Any:
        if (sda, scl) != (AIR_SDA_PIN, AIR_SCL_PIN) or self.air_fault == "silent":
            return None
        return self._chips.get(address)

    def _air(self) -> tuple[float, float]:
        if not self.weather:
            return self._temp_c, self._humidity_pct
        return day_air(self.age_s + self.from_hour * _HOUR_S, self.low_c, self.high_c)

    def _felt(self) -> tuple[float, float]:
        if self._still is not None:
            return self._still
        temp_c, humidity_pct = self._air()
        return temp_c + self.random.gauss(0, 0.015), humidity_pct + self.random.gauss(0, 0.05)
