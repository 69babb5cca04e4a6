"""The `machine` module of the virtual board; runs in MicroPython."""

import machine as _native
import rom_link as _link
import rom_time as _time
from rom_pins import ADC, PWM, Pin, Timer  # noqa: F401
from rom_uart import UART  # noqa: F401

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

mem8 = _native.mem8
mem16 = _native.mem16
mem32 = _native.mem32
idle = _native.idle
time_pulse_us = _native.time_pulse_us


class WDT:
    """The watchdog: cannot be stopped, the rig cuts the power when it is not fed."""

    def __init__(self, id=0, timeout=5000):
        _link.ask("wdt", timeout)

    def feed(self):
        _link.ask("feed")


class RTC:
    """Clock and memory that survive deep sleep and soft reset, not a power cut."""

    def __init__(self, id=0):
        pass

    def datetime(self, datetimetuple=None):
        if datetimetuple is None:
            t = _time.gmtime()
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], _time.time_ns() // 1000 % 1000000)
        year, month, day, _, hour, minute, second, subsecond_us = datetimetuple
        seconds = _time.mktime((year, month, day, hour, minute, second, 0, 0))
        _time.set_us(seconds * 1000000 + subsecond_us)

    def memory(self, *data):
        if not data:
            return bytes.fromhex(_link.ask("memory"))
        if len(data[0]) > 2048:
            raise ValueError("buffer too long")
        _link.ask("memory", "x" + bytes(data[0]).hex())


def unique_id():
    return bytes.fromhex(_link.ask("mac"))


def reset_cause():
    return _link.number("cause")


def reset():
    _link.die("reset")


def soft_reset():
    raise SystemExit


def deepsleep(*time_ms):
    _link.die("sleep", time_ms[0] if time_ms else 0)


def freq(*hz):
    return None if hz else 160000000


def disable_irq():
    return 0


def enable_irq(state):
    pass
