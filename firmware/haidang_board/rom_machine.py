"""The `machine` module of the virtual board; runs in MicroPython."""

import machine as _native
import rom_link as _link
from rom_pins import ADC, Pin  # noqa: F401
from rom_uart import UART  # noqa: F401

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5


class WDT:
    """The watchdog: cannot be stopped, the rig cuts the power when it is not fed."""

    def __init__(self, id=0, timeout=5000):
        _link.ask("wdt", timeout)

    def feed(self):
        _link.ask("feed")


def unique_id():
    return bytes.fromhex(_link.ask("mac"))


def reset_cause():
    return int(_link.ask("cause"))


def soft_reset():
    raise SystemExit


def __getattr__(name):
    if name == "Timer":
        return _link.part("rom_events").Timer
    # In one long text: a short one stays in the heap for ever.
    buses = ",I2C,SoftI2C,dht_readinto,time_pulse_us,"
    if "," + name + "," in buses:
        return getattr(_link.part("rom_bus_devices"), name)
    extra = _link.part("rom_extra")
    if name == "__all__":  # for `from machine import *`
        buses = list(globals()) + dir(extra) + buses[1:-1].split(",")
        return [key for key in buses if key[0] != "_"] + ["Timer"]
    return getattr(extra, name) if hasattr(extra, name) else getattr(_native, name)
