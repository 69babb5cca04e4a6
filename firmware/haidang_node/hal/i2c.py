"""The lines of environment sensors: an I2C bus, a DHT's single wire."""

import machine
from micropython import const

# Slow, for a metre of cable; no chip here stretches the clock, so a held one is left at once.
_HZ = const(50000)
_STRETCH_US = const(2000)


def bus(settings: dict):
    """The bus of `sda_pin` and `scl_pin`: in software, so that a held line cannot hang it."""
    sda, scl = machine.Pin(settings["sda_pin"]), machine.Pin(settings["scl_pin"])
    return machine.SoftI2C(scl=scl, sda=sda, freq=_HZ, timeout=_STRETCH_US)


def held(settings: dict):
    """A function that is true while one of the bus's lines is low; both are high at rest."""
    sda, scl = machine.Pin(settings["sda_pin"]), machine.Pin(settings["scl_pin"])

    def is_held() -> bool:
        return not (sda.value() and scl.value())

    return is_held


def one_wire(pin: int):
    """A function that reads a DHT's five bytes into a buffer; OSError."""
    wire = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)

    def readinto(buffer) -> None:
        machine.dht_readinto(wire, buffer)

    return readinto


def low(pin: int):
    """A function that is true while a line that is high at rest is low."""
    wire = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)

    def is_low() -> bool:
        return not wire.value()

    return is_low
