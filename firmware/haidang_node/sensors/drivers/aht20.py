"""AHT20 (and AHT21, DHT20) on I2C: temperature and humidity with a status byte and a CRC-8."""

from micropython import const

from haidang_node.sensors.env import crc8

# Data sheet AHT20: measures in 80 ms; status bit 7 busy, bit 3 calibrated.
_ADDRESS = const(0x38)
_MEASURE = b"\xac\x33\x00"
_CALIBRATE = b"\xbe\x08\x00"
_BUSY = const(0x80)
_CALIBRATED = const(0x08)
_GREATEST = const(0xFFFFF)


class Driver:
    """One measurement in two steps on an I2C bus; OSError where nothing answers."""

    pause_ms = 10000
    # Ten minutes of the very same 20 bits: noise alone moves them.
    still = 60

    def __init__(self, bus) -> None:
        self._bus = bus
        self._buffer = bytearray(7)
        self._calibrated = True
        self.temp_cc = 0
        self.rh_permille = 0

    def start(self) -> None:
        """Begins a measurement; first a chip without its calibration is told to load it."""
        if self._calibrated:
            self._bus.writeto(_ADDRESS, _MEASURE)
        else:
            self._bus.writeto(_ADDRESS, _CALIBRATE)

    def read(self) -> str:
        """ "ok" and the values, or the word of a fault; 80 ms after start() at the earliest."""
        data = self._buffer
        self._bus.readfrom_into(_ADDRESS, data)
        if not self._calibrated:
            # The step before loaded the calibration; whether it helped is seen next time.
            self._calibrated = True
            return "uncalibrated"
        if crc8(data, 0, 6) != data[6] or data[0] & _BUSY:
            return "noisy"
        if not data[0] & _CALIBRATED:
            self._calibrated = False
            return "uncalibrated"
        temp = (data[3] & 0x0F) << 16 | data[4] << 8 | data[5]
        if temp == 0:
            return "open"
        if temp == _GREATEST:
            return "short"
        # -50 + 200 * raw / 2**20 without its lowest bits, so that the product stays small.
        self.temp_cc = ((temp >> 4) * 10000 >> 15) - 5000
        self.rh_permille = (data[1] << 12 | data[2] << 4 | data[3] >> 4) * 1000 >> 20
        return "ok"
