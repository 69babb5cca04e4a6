"""What of `machine` few programs use often; runs in MicroPython, loaded when first used."""

import time as _time

import rom_link as _link

PIN_WAKE = EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4


class PWM:
    """A PWM output; the world sees its duty."""

    def __init__(self, dest, freq=1000, duty_u16=0):
        self._id = getattr(dest, "_id", dest)
        self._freq = freq
        self.duty_u16(duty_u16)

    def freq(self, *freq):
        if not freq:
            return self._freq
        self._freq = freq[0]

    def duty_u16(self, *duty):
        if not duty:
            return self._duty
        self._duty = duty[0]
        _link.ask("pwm", self._id, self._duty)

    def deinit(self):
        self.duty_u16(0)


class DAC:
    """An 8-bit analogue output; the world sees its steps, 255 being 3.3 V."""

    def __init__(self, id):
        self._id = getattr(id, "_id", id)
        if self._id not in (25, 26):
            raise ValueError("invalid Pin(%s)" % self._id)
        self.write(0)

    def write(self, value):
        if not 0 <= value <= 255:
            raise ValueError("value out of range")
        _link.ask("pwm", self._id, value)


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
        _time._set_us(seconds * 1000000 + subsecond_us)

    def memory(self, *data):
        if not data:
            return bytes.fromhex(_link.ask("memory"))
        if len(data[0]) > 2048:
            raise ValueError("buffer too long")
        _link.ask("memory", "x" + bytes(data[0]).hex())


def wake_reason():
    return int(_link.ask("woken"))


def reset():
    _link.die("reset")


def deepsleep(*time_ms):
    _link.die("sleep", time_ms[0] if time_ms else 0)


def freq(*hz):
    return None if hz else 160000000


def disable_irq():
    return 0


def enable_irq(state):
    pass
