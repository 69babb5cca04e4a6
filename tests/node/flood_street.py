"""A flood sensor over a street, in fake time: its meter, its probe and what it keeps."""

from haidang_node.sensors.flood import Flood
from haidang_node.sensors.flood_float import FloodAndFloat

SETTINGS = {
    "mount_mm": 3000,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
    "sound_cc": 2500,
    "zero_mm": 200,
    "float_mm": 500,
}


class Meter:
    """A driver: what it was last told to say."""

    def __init__(self, beam=True, corrected=False):
        self.beam = beam
        self.corrected = corrected
        self.fault = ""
        self.good = self.bad = 0
        self.says = None

    def read(self):
        if self.says is not None:
            self.good += 1
        return self.says


class Air:
    """A probe."""

    def __init__(self, temp_cc):
        self.known = True
        self.temp_cc = temp_cc


class FloodStreet:
    """`run` lets seconds pass over water; `values` are what a pack would tell."""

    def __init__(self, air=None, last=None, meter=None, closed=None, **settings):
        self.meter = meter or Meter()
        self.kept = []
        parts = (dict(SETTINGS, **settings), self.meter, air, last, self)
        self.flood = FloodAndFloat(closed, *parts) if closed else Flood(*parts)
        self.now_ms = 0
        self.samples = 0

    def put(self, key, value):
        self.kept.append(value)

    def commit(self):
        level_mm, trim_mm = self.kept[-2:]
        self.kept[-2:] = [(level_mm, trim_mm)]

    def run(self, seconds, level_mm=None, noise=(0,)):
        """level_mm: what the meter sees, a number, a function of seconds, or None for silence."""
        ends_ms = self.now_ms + seconds * 1000
        began_ms = self.now_ms
        while self.now_ms < ends_ms:
            self.now_ms += self.flood.period_ms
            self.samples += 1
            if level_mm is None:
                self.meter.says = None
            else:
                at_s = (self.now_ms - began_ms) / 1000
                level = int(level_mm(at_s)) if callable(level_mm) else level_mm
                level -= noise[self.samples % len(noise)]
                self.meter.says = 3000 - level if self.meter.beam else level
            self.flood.sample(self.now_ms)

    def values(self):
        return {record.name: record.value for record in self.flood.records()}
