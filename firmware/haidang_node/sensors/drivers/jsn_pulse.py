"""JSN-SR04T in its first mode: a pulse on the trigger pin, the echo pin is high for the way."""

from micropython import const

# Sound at 25 C, there and back: 346.45 m/s / 2, in mm per 100,000 us.
_MM_PER_100_MS = const(17322)
_NEAREST_MM = const(250)
_FARTHEST_MM = const(6000)


class Meter:
    """ping() gives the echo's microseconds: -2 where no pulse began, -1 where it did not end."""

    beam = True
    corrected = False
    fault = ""

    def __init__(self, ping) -> None:
        self._ping = ping
        self.good = 0
        self.bad = 0

    def read(self) -> int | None:
        """The distance in mm, right at 25 C; 0: no echo in range, None: the meter says nothing."""
        echo_us = self._ping()
        if echo_us == -2:
            return None
        self.good += 1
        distance_mm = echo_us * _MM_PER_100_MS // 100_000
        return distance_mm if _NEAREST_MM < distance_mm <= _FARTHEST_MM else 0


def make(settings: dict, ping) -> Meter:
    """tx_pin of node.json is the trigger, rx_pin the echo."""
    del settings
    return Meter(ping)
