"""SHT30, SHT31, SHT35 on I2C: temperature and humidity, a CRC-8 behind each."""

from micropython import const

from haidang_node.sensors.env import crc8

# Data sheet SHT3x-DIS: ADDR low; single shot, high repeatability, no clock stretching: 15.5 ms.
_ADDRESS = const(0x44)
_MEASURE = b"\x24\x00"
_GREATEST = const(0xFFFF)


class Driver:
    """One measurement in two steps on an I2C bus; OSError where nothing answers."""

    pause_ms = 10000
    # Ten minutes of the very same 16 bits: noise alone moves them.
    still = 60

    def __init__(self, bus) -> None:
        self._bus = bus
        self._buffer = bytearray(6)
        self.temp_cc = 0
        self.rh_permille = 0

    def start(self) -> None:
        """Begins a measurement."""
        self._bus.writeto(_ADDRESS, _MEASURE)

    def read(self) -> str:
        """ "ok" and the values, or the word of a fault; 16 ms after start() at the earliest."""
        data = self._buffer
        self._bus.readfrom_into(_ADDRESS, data)
        if crc8(data, 0, 2) != data[2] or crc8(data, 3, 2) != data[5]:
            return "noisy"
        temp = data[0] << 8 | data[1]
        if temp == 0:
            return "open"
        if temp == _GREATEST:
            return "short"
        # -45 + 175 * raw / 65535; halved, so that the product stays small.
        self.temp_cc = (temp * 8750 >> 15) - 4500
        self.rh_permille = (data[3] << 8 | data[4]) * 1000 >> 16
        return "ok"
