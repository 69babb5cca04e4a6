"""The `machine` module of the virtual board; runs in MicroPython."""

import machine as _native
import rom_link as _link
from rom_pins import ADC, Pin  # noqa: F401
from rom_uart import UART  # noqa: F401

_BUSES = ("I2C", "SoftI2C", "dht_readinto")

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
    if name in _BUSES:
        return getattr(_link.part("rom_i2c"), name)
    extra = _link.part("rom_extra")
    if name == "__all__":  # for `from machine import *`
        names = list(globals()) + dir(extra) + list(_BUSES)
        return [key for key in names if key[0] != "_"] + ["Timer"]
    return getattr(extra, name) if hasattr(extra, name) else getattr(_native, name)
