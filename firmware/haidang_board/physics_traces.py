"""Named traces of an ultrasonic meter with their ground truth: dry, swinging, flooded, hard."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from haidang_board.physics_echoes import Frost, Meter, ParkedCar, Passers, Rain, Scene, Web
from haidang_board.physics_water import DayHeat, Probe, Runoff, Tide, Water, Waves

_DAY_S = 86400.0
_HOUR_S = 3600.0


class Ping(NamedTuple):
    """One ping: what the meter said (0: no echo), the truth, and what a probe beside it says."""

    time_s: float
    told_mm: int
    level_mm: float
    probe_c: float


@dataclass(slots=True)
class Trace:
    """A named scene for a time; `pings` may be walked once."""

    name: str
    scene: Scene
    seconds: float
    seed: int
    compensated: bool = False

    def pings(self, period_s: float = 0.25) -> Iterator[Ping]:
        """The probe is asked every 10 s, like a slow sensor on the same node."""
        meter = Meter(self.seed, self.scene, self.compensated)
        probe = Probe(self.seed, self.scene.heat)
        probe_c = 0.0
        per_probe = round(10 / period_s)
        for step in range(int(self.seconds / period_s)):
            time_s = step * period_s
            if step % per_probe == 0:
                probe_c = probe.temp_c(time_s)
            level_mm = self.scene.water.level_mm(time_s)
            yield Ping(time_s, meter.told_mm(time_s), level_mm, probe_c)


DRY = ("car", "pedestrians", "rain", "spider", "frost")
SWING = ("dry_swing", "tide_swing", "flood_swing")
HARD = ("flash", "under_car", "behind_web", "power_up")


def named(name: str, seed: int, part: float = 1.0) -> Trace:
    """One of DRY (no flood in it), SWING (5 to 45 C in a day), HARD, "flood"; `part` shortens it.

    A web grows in the trace's length, days instead of weeks: the harder test for a filter that
    knows slow growth, the kinder one for the bench's time.
    """
    if name in SWING:
        return _swing(name, seed, part)
    if name == "flood":
        return _flood(seed)
    if name in HARD:
        return _hard(name, seed)
    chance = random.Random(seed)
    hours = {"car": 4, "pedestrians": 8, "rain": 4, "spider": 18, "frost": 8}[name] * part
    scene = Scene(Water(), DayHeat(seed, 5.0, 16.0) if name == "frost" else DayHeat(seed))
    seconds = hours * _HOUR_S
    if name == "car":
        for begin in (0.05, 0.55):
            begin_s = seconds * begin
            end_s = begin_s + seconds * chance.uniform(0.2, 0.35)
            scene.things.append(ParkedCar(begin_s, end_s, chance.uniform(1380, 1750)))
    elif name == "pedestrians":
        scene.things.append(Passers(seed, 60, seconds, chance.uniform(2, 8)))
    elif name == "rain":
        scene.veils.append(Rain(600, seconds, chance.uniform(40, 120)))
    elif name == "spider":
        scene.veils.append(Web(600, seconds * 0.8, chance.uniform(150, 400)))
    else:
        scene.veils.append(Frost(600, seconds * 0.9))
    return Trace(name, scene, seconds, seed)


def _swing(name: str, seed: int, part: float) -> Trace:
    heat = DayHeat(seed, 5.0, 45.0)
    water = Water(waves=Waves(seed, 15.0))
    seconds = _DAY_S * part
    if name == "tide_swing":
        water.tide = Tide(90.0, 150.0, seconds / 4)
    elif name == "flood_swing":
        water.runoffs.append(Runoff(seconds * 0.55, 700.0, stay_s=2 * _HOUR_S, drain_s=3600.0))
    return Trace(name, Scene(water, heat), seconds, seed)


def _flood(seed: int) -> Trace:
    """Rain, a rise of 15 to 50 minutes to 350 to 1,300 mm, waves, some people wading in it."""
    chance = random.Random(seed)
    began_s = chance.uniform(1500, 2400)
    peak_mm = chance.uniform(350, 1300)
    runoff = Runoff(began_s, peak_mm, chance.uniform(900, 3000), 600.0, 1500.0)
    water = Water(runoffs=[runoff], waves=Waves(seed, chance.uniform(5, 40)))
    scene = Scene(water, DayHeat(seed, rain=runoff))
    scene.veils.append(Rain(began_s - 900, began_s + 2400, chance.uniform(20, 100)))
    if chance.random() < 0.5:
        scene.things.append(Passers(seed, 60, began_s + 3600, chance.uniform(0.5, 3)))
    if chance.random() < 0.3:
        scene.things.append(ParkedCar(600, began_s - 300))
    return Trace("flood", scene, began_s + runoff.rise_s + 1200, seed)


def _hard(name: str, seed: int) -> Trace:
    """Faster than any limit; risen under a parked car; behind half a web; there at power-up."""
    runoff = {
        "flash": Runoff(1200, 700.0, 100.0),
        "under_car": Runoff(1200, 650.0, stay_s=_HOUR_S),
        "behind_web": Runoff(1200, 650.0),
        "power_up": Runoff(-3000, 600.0, stay_s=2 * _HOUR_S),
    }[name]
    scene = Scene(Water(runoffs=[runoff], waves=Waves(seed, 10.0)), DayHeat(seed))
    if name == "under_car":
        scene.things.append(ParkedCar(600, 3600))
    elif name == "behind_web":
        scene.veils.append(Web(-7500, 2500))
    return Trace(name, scene, 4200.0, seed)
