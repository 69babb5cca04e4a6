"""DHT22 (AM2302) on one wire: tenths of a degree and of a percent, with a sum."""

from micropython import const

_SIGN = const(0x80)


class Driver:
    """A reading stops the node for 0.27 s (MicroPython's own start pulse): half a minute apart.

    readinto(buffer) gets its five bytes; OSError where nothing answers.
    """

    pause_ms = 30000
    # Three hours of the same tenths; nights in a closed box are nearly that still.
    still = 360

    def __init__(self, readinto) -> None:
        self._readinto = readinto
        self._buffer = bytearray(5)
        self.temp_cc = 0
        self.rh_permille = 0

    def start(self) -> None:
        """Nothing: reading and measuring are one."""

    def read(self) -> str:
        """ "ok" and the values, or the word of a fault."""
        data = self._buffer
        self._readinto(data)
        total = data[0] + data[1] + data[2] + data[3]
        # A line that breaks within an answer gives zeros, whose sum is right.
        if total & 0xFF != data[4] or total == 0:
            return "noisy"
        temp_cc = ((data[2] & 0x7F) << 8 | data[3]) * 10
        self.temp_cc = -temp_cc if data[2] & _SIGN else temp_cc
        self.rh_permille = data[0] << 8 | data[1]
        return "ok"
