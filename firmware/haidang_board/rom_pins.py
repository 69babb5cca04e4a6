"""machine.Pin, ADC, PWM and Timer of the virtual board; runs in MicroPython."""

import _thread

import micropython
import rom_link

_EDGE = 0
_TIMER = 1
_handlers = {}
_event_fd = None


def attach(event_fd):
    """Remember where the rig reports edges and timers; read only once somebody asks."""
    global _event_fd
    _event_fd = event_fd


class Pin:
    """One GPIO; level and edges come from the rig's world."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if not isinstance(id, int) or not 0 <= id <= 39:
            raise ValueError("invalid pin")
        self._id = id
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        if value is not None:
            self.value(value)
        rom_link.ask("mode", self._id, mode, 0 if pull is None else pull)

    def value(self, *x):
        if not x:
            return rom_link.number("read", self._id)
        rom_link.ask("drive", self._id, 1 if x[0] else 0)

    def __call__(self, *x):
        return self.value(*x)

    def __str__(self):
        return "Pin(%d)" % self._id

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())

    def irq(self, handler=None, trigger=3):
        _listen(_EDGE, self._id, (handler, trigger, self) if handler else None)
        rom_link.ask("irq", self._id, trigger if handler else 0)


class ADC:
    """An analogue input, calibrated; the divider before the pin belongs to the world."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, pin, *, atten=0):
        self._id = getattr(pin, "_id", pin)
        self._limit_uv = 0
        self.atten(atten)

    def atten(self, atten):
        # Full scale of the ESP32's four attenuations in microvolts (ESP-IDF ADC guide).
        self._limit_uv = (950000, 1250000, 1750000, 3300000)[atten]

    def read_uv(self):
        return min(self._limit_uv, rom_link.number("adc", self._id))

    def read_u16(self):
        return self.read_uv() * 65535 // self._limit_uv

    def read(self):
        return self.read_u16() >> 4


class PWM:
    """A PWM output; the world sees its duty."""

    def __init__(self, dest, freq=1000, duty_u16=0):
        self._id = getattr(dest, "_id", dest)
        self._freq = freq
        self._duty = 0
        self.duty_u16(duty_u16)

    def freq(self, *freq):
        if not freq:
            return self._freq
        self._freq = freq[0]

    def duty_u16(self, *duty):
        if not duty:
            return self._duty
        self._duty = duty[0]
        rom_link.ask("pwm", self._id, self._duty)

    def deinit(self):
        self.duty_u16(0)


class Timer:
    """A hardware timer; the rig keeps the time and reports each period."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **settings):
        self._id = id
        if settings:
            self.init(**settings)

    def init(self, *, mode=1, period=-1, freq=0, callback=None):
        period_ms = period if period > 0 else max(1, 1000 // freq)
        _listen(_TIMER, self._id, (callback, 3, self) if callback else None)
        rom_link.ask("timer", self._id, period_ms, mode)

    def deinit(self):
        rom_link.ask("timer", self._id, 0, 0)
        _listen(_TIMER, self._id, None)


def _listen(kind, number, handler):
    if not _handlers:
        _thread.start_new_thread(_watch, (open(_event_fd, "rb", 0),))
    _handlers[kind << 8 | number] = handler


def _watch(events):
    # No allocation here: this thread runs beside the interpreter's own.
    event = bytearray(3)
    schedule = micropython.schedule
    while events.readinto(event) == 3:
        code = event[0] << 9 | event[1] << 1 | event[2]
        while not _scheduled(schedule, code):
            pass


def _scheduled(schedule, code):
    try:
        schedule(_deliver, code)
        return True
    except RuntimeError:  # the scheduler's queue is short
        import time

        time.sleep_ms(1)
        return False


def _deliver(code):
    handler = _handlers.get(code >> 1)
    if handler and handler[1] & (1 if code & 1 else 2):
        rom_link.when_free(handler[0], handler[2])
