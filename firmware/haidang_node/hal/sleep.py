"""Deep sleep: what is kept in RTC memory, the wake input, the clock that runs on."""

import time

import esp32
import machine
from micropython import const

# RTC memory is 2048 bytes; the first 384 are the error ring's.
_FROM = const(384)
KEPT_BYTES = const(2048 - 384)


def kept() -> bytes:
    """What keep() put there before the sleep; anything after a power cut."""
    return machine.RTC().memory()[_FROM:]


def keep(data: bytes) -> None:
    """Puts at most KEPT_BYTES into RTC memory."""
    rtc = machine.RTC()
    ring = rtc.memory()[:_FROM]
    rtc.memory(ring + bytes(_FROM - len(ring)) + data)


def woken() -> bool:
    """Whether the chip comes from deep sleep."""
    return machine.reset_cause() == machine.DEEPSLEEP_RESET


def woken_by_input() -> bool:
    """Whether the wake input ended the sleep."""
    return woken() and machine.wake_reason() == machine.PIN_WAKE


def rtc_ms() -> int:
    """Milliseconds of the clock that runs on in deep sleep, from an RC oscillator of up to 5 %."""
    return time.time_ns() // 1000000


def level(pin: int):
    """A function that reads the wake input; its pull resistor is outside, to work in sleep too."""
    return machine.Pin(pin, machine.Pin.IN).value


def deep_sleep(sleep_ms: int, pin: int, wake_level: int) -> None:
    """Sleeps; the chip starts anew by the timer or once `pin` (-1: none) has the level."""
    if pin >= 0:
        esp32.wake_on_ext0(machine.Pin(pin, machine.Pin.IN), bool(wake_level))
    machine.deepsleep(sleep_ms)
