"""machine.Pin and ADC of the virtual board; runs in MicroPython."""

import rom_link


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
            return int(rom_link.ask("read", self._id))
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
        rom_link.part("rom_events").listen_edge(self, self._id, handler, trigger)


class ADC:
    """An analogue input, calibrated; the divider before the pin belongs to the world."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, id, *, atten=0):
        self._id = getattr(id, "_id", id)
        self.atten(atten)

    def atten(self, atten):
        # Full scale of the ESP32's four attenuations in microvolts (ESP-IDF ADC guide).
        self._limit_uv = (950000, 1250000, 1750000, 3300000)[atten]

    def read_uv(self):
        return min(self._limit_uv, int(rom_link.ask("adc", self._id)))

    def read_u16(self):
        return self.read_uv() * 65535 // self._limit_uv

    def read(self):
        return self.read_u16() >> 4
