"""A smoke sensor in a street: its pins, its flash and its time, for tests in both Pythons."""

from haidang_node.sensors import smoke_minute
from haidang_node.sensors.smoke import Smoke

SETTINGS = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 0,
    "burn_in_h": 0,
    "pre_alarm_permille": 720,
    "alarm_permille": 660,
    "latch_s": 20,
    "siren_steady": False,
}


def mv_of(permille, supply_mv=5000):
    """The ADC's reading of a resistance in permille of 10 kOhm."""
    return supply_mv * 5000 * 2 // 3 // (5000 + permille * 10)


class _Flash:
    """Stands for haidang_node.loading: counts what is worth writing down."""

    def __init__(self):
        self.kept = 0
        self.marks = []

    def call(self, path, function, sensor):
        self.kept += (path, function) == ("haidang_node.sensors.smoke_kept", "keep")
        self.marks.append(sensor.marks)


class Air:
    known = True
    temp_cc = 2000
    rh_permille = 650


class Street:
    """One sensor and what its pins see; noise of +-2 mV, as any ADC has."""

    def __init__(self, air=None, loop=None, learnt=(0, 0, 0), supply=False, **changes):
        settings = dict(SETTINGS)
        settings.update(changes)
        self.mv = mv_of(1000)
        self.closed = self.pressed = self.at_ms = self.noise = 0
        self.siren = 0
        self.tones = []
        self.supply_mv = 5000
        self.told = []
        self.flash = _Flash()
        self.sensor = Smoke(
            settings,
            self._read_mv,
            loop.closed if loop else lambda: self.closed,
            self._sound,
            air,
            (lambda: self.supply_mv // 2) if supply else None,
            lambda: self.pressed,
            loop,
            *learnt,
        )

    def _read_mv(self):
        self.noise = (self.noise * 5 + 3) % 7
        return self.mv + (self.noise - 3 if 200 < self.mv < 3050 else 0)

    def _sound(self, level):
        self.siren = level
        self.tones.append((self.at_ms, level))

    def run(self, seconds, permille=None):
        """That many seconds, four steps each."""
        if permille is not None:
            self.mv = mv_of(permille)
        for _ in range(seconds * 4):
            self.sensor.sample(self.at_ms & 0x3FFFFFFF)
            if self.sensor.changed():
                self.told.append((self.sensor.state, self.sensor.health))
            self.at_ms += 250
            self.learn()
        return self.sensor.state, self.sensor.health

    def minutes(self, count, permille=None):
        """The same without the steps between the seconds."""
        if permille is not None:
            self.mv = mv_of(permille)
        for _ in range(count * 60):
            self.sensor.sample(self.at_ms & 0x3FFFFFFF)
            self.at_ms += 1000
            self.learn()
        return self.sensor.state, self.sensor.health

    def learn(self):
        """The node's round, once a minute."""
        if self.at_ms % 60000 == 0:
            self.learn_now()

    def learn_now(self):
        smoke_minute.loading = self.flash
        smoke_minute.learn(self.sensor)

    def values(self):
        return {record.name: record.value for record in self.sensor.records()}
