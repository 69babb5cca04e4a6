"""Pressure transducers: 4-20 mA over a shunt, or 0.5-4.5 V over a divider, on an analogue pin."""

from micropython import const

# NAMUR NE 43: below 3.6 mA the loop is broken, above 21 mA it is shorted.
_LOOP_UA = (4000, 20000, 3600, 21000)
# Half of the way to 0 and to the 5 V supply.
_RATIO_MV = (500, 4500, 250, 4750)
# One odd sample is no broken wire.
_FAULT_SAMPLES = const(4)


class Meter:
    """Millivolts at the pin to the water's depth over the transducer. No allocation."""

    # Water alone presses on it, whatever the air does.
    beam = False
    corrected = True

    def __init__(self, read_mv, points_mv: tuple, range_mm: int) -> None:
        """points_mv: at the pin for no water, for range_mm, where it is open, where short."""
        self._read_mv = read_mv
        self._low_mv, self._high_mv, self._open_mv, self._short_mv = points_mv
        self._range_mm = range_mm
        self._odd = 0
        self.fault = ""
        self.good = 0
        self.bad = 0

    def read(self) -> int | None:
        """The depth in mm, a little below 0 in dry air; None while it is open or short."""
        mv = self._read_mv()
        if self._open_mv <= mv <= self._short_mv:
            self._odd = 0
            self.fault = ""
            self.good += 1
            return (mv - self._low_mv) * self._range_mm // (self._high_mv - self._low_mv)
        self._odd += 1
        if self._odd >= _FAULT_SAMPLES:
            self._odd = _FAULT_SAMPLES
            self.fault = "open" if mv < self._open_mv else "short"
        return None


def make(settings: dict, read_mv) -> Meter:
    """`driver` current or voltage."""
    if settings["driver"] == "current":
        points_mv = tuple([ua * settings["shunt_ohm"] // 1000 for ua in _LOOP_UA])
    else:
        points_mv = tuple([mv * settings["divider_permille"] // 1000 for mv in _RATIO_MV])
    return Meter(read_mv, points_mv, settings["range_mm"])
