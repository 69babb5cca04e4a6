"""`time` as on an ESP32: epoch 2000-01-01, ticks wrap at 2**30; runs in MicroPython."""

import time as _native

import rom_link as _link
from micropython import const as _const

_EPOCH_S = _const(946684800)  # 2000-01-01 in Unix time
_MASK = _const((1 << 30) - 1)  # MICROPY_PY_TIME_TICKS_PERIOD of the 32-bit ports, less one
_HALF = _const(1 << 29)


def attach(power_on_us, ticks_offset_us, clock_us):
    """Take over the rig's clocks: steady time of power-on, first tick, wall time at power-on."""
    global _power_on_us, _ticks_us, _clock_us
    _power_on_us, _ticks_us, _clock_us = power_on_us, ticks_offset_us, clock_us


def _skip(ms):
    """Let the clock run ahead of the host's."""
    global _power_on_us
    _power_on_us -= ms * 1000


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def sleep_ms(ms):
    # In slices: the native function lets no scheduled interrupt handler run while it sleeps.
    end_us = _native.ticks_us() + ms * 1000
    while (left_us := end_us - _native.ticks_us()) > 0:
        _native.sleep_us(min(left_us, 5000))


def ticks_us():
    return (_up_us() + _ticks_us) & _MASK


def ticks_ms():
    return (_up_us() + _ticks_us) // 1000 & _MASK


def ticks_cpu():
    return _native.ticks_cpu() & _MASK


def ticks_add(ticks, delta):
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) & _MASK


def ticks_diff(ticks1, ticks2):
    return ((ticks1 - ticks2 + _HALF) & _MASK) - _HALF


def time_ns():
    return (_up_us() + _clock_us) * 1000


def time():
    return (_up_us() + _clock_us) // 1000000


def gmtime(*secs):
    seconds = secs[0] if secs and secs[0] is not None else time()
    return _native.gmtime(int(seconds) + _EPOCH_S)[:8]


localtime = gmtime


def mktime(local_time):
    # The native function wants nine fields and knows the host's time zone: count days instead.
    year, month, day, hour, minute, second = local_time[:6]
    year -= month <= 2
    days = 365 * year + year // 4 - year // 100 + year // 400
    days += (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (days - 730425) * 86400 + hour * 3600 + minute * 60 + second


def _set_us(now_us):
    # RTC.datetime: the rig keeps the clock over a reset.
    global _clock_us
    _clock_us = now_us - _up_us()
    _link.ask("clock", _clock_us)


def _up_us():
    return _native.ticks_us() - _power_on_us


def __getattr__(name):
    return getattr(_native, name)
