"""JSN-SR04T and AJ-SR04M on a UART, asked by 0x55; in their automatic mode they need no asking."""

from micropython import const

from haidang_node.sensors.drivers.a02yyuw import Meter

# Data sheets: blind up to 250 mm, range 6 m.
_NEAREST_MM = const(250)
_FARTHEST_MM = const(6000)


def make(settings: dict, readinto, write) -> Meter:
    """The AJ-SR04M leaves its header out of the sum."""
    summed_from = 1 if settings["driver"] == "aj_sr04m" else 0
    return Meter(readinto, write, _NEAREST_MM, _FARTHEST_MM, summed_from)
