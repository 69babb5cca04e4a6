"""The lines of environment sensors; loaded when one is fitted, then forgotten."""

import machine
from micropython import const

# Slow, for a metre of cable; no chip here stretches the clock, so a held one is left at once.
_HZ = const(50000)
_STRETCH_US = const(2000)


def bus(settings: dict) -> tuple:
    """The bus of `sda_pin` and `scl_pin`, and both pins, high at rest.

    In software, so that a held line cannot hang it.
    """
    sda, scl = machine.Pin(settings["sda_pin"]), machine.Pin(settings["scl_pin"])
    return machine.SoftI2C(scl=scl, sda=sda, freq=_HZ, timeout=_STRETCH_US), (sda, scl)


def wire(settings: dict) -> tuple:
    """readinto(buffer) of a DHT on `pin`, and the pins that are high at rest: that one."""
    line = machine.Pin(settings["pin"], machine.Pin.IN, machine.Pin.PULL_UP)
    return lambda buffer: machine.dht_readinto(line, buffer), (line,)
