"""The smoke sensor when its heater comes and goes: power-ups, a heater alone, burn-in.

Second by second on the physics of the MQ-2, in the harmless smoke of a market.
"""

import random
from typing import Any

from haidang_board.physics_fumes import market_day, near_grill, random_fire, votive
from haidang_board.physics_smoke import Air, Mq2, Weather

from bench import node_pure, parts

_SETTINGS = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 180,
    "burn_in_h": 24,
    "pre_alarm_permille": 720,
    "alarm_permille": 660,
    "latch_s": 600,
    "siren_steady": False,
}
_DAY_S = 86400
_FIRST_SEED = 41
# What a heater, but not the node, goes without: from a loose plug to an evening.
_CUTS_S = (2, 5, 10, 20, 40, 120, 600, 7200)


class Corner:
    """One MQ-2 on its ADC, and the node's sensor behind it."""

    def __init__(self, seed: int, age_s: float, hours: int) -> None:
        """`hours` of heating that an earlier start has written down."""
        self._chance = random.Random(seed)
        self.mq2 = Mq2(seed, age_s=age_s)
        self._weather = Weather(seed)
        self.at_s = 0.0
        self.plumes: list[Any] = []
        self._air = Air()
        self._mv = 0
        self.smoke = node_pure.smoke(_SETTINGS, self._read, None, hours)
        self.alarms: list[float] = []

    def run(self, seconds: int) -> None:
        """That many seconds; alarms that begin are kept."""
        for _ in range(seconds):
            self.at_s += 1.0
            if self.at_s % 60 == 0:
                self._air.temp_c, self._air.rh_percent = self._weather.at(self.at_s)
                node_pure.smoke_minute(self.smoke)
            ppm = sum(plume.ppm(self.at_s) for plume in self.plumes)
            self._air.ppm = ppm
            ohm = self.mq2.step(1.0, self._air)
            self._mv = int(5000 * 5000 / (5000 + ohm) * 2 / 3 + self._chance.uniform(-2.0, 2.0))
            before = self.smoke.state
            self.smoke.sample(int(self.at_s * 1000) & 0x3FFFFFFF)
            if self.smoke.state == "alarm" != before:
                self.alarms.append(self.at_s)

    def _read(self) -> int:
        return max(0, self._mv)


def power_ups(count: int) -> parts.Figures:
    """Cold starts of burnt-in sensors, and a heater that alone loses its power."""
    false, missed, delays_s = 0, 0, []
    for number in range(count):
        corner = Corner(_FIRST_SEED + number, 100.0 * _DAY_S, 200)
        corner.run(900)
        corner.mq2.heater_on = False
        corner.run(_CUTS_S[number % len(_CUTS_S)])
        corner.mq2.heater_on = True
        corner.run(600)
        false += len(corner.alarms)
        fire = random_fire(_FIRST_SEED + number, corner.at_s + 10)
        corner.plumes = [fire]
        corner.run(1200)
        after = [at_s for at_s in corner.alarms if at_s > fire.begin_s]
        missed += not after
        delays_s += [at_s - fire.begin_s for at_s in after[:1]]
    delays_s.sort()
    return {
        "power_cuts": count,
        "false_alarms": false,
        "fires_missed": missed,
        "alarm_median_s": delays_s[len(delays_s) // 2] if delays_s else None,
    }


def burn_in(count: int, hours: int) -> parts.Figures:
    """New sensors in their first hours, each with a fire in the middle of them."""
    false, missed, health = 0, 0, set()
    for number in range(count):
        seed = _FIRST_SEED + 20 + number
        corner = Corner(seed, 0.0, 0)
        begin_s = float(random.Random(seed).randrange(600, hours * 3600 - 1800))
        fire = random_fire(seed, begin_s)
        corner.plumes = [*market_day(seed, 0), fire]
        corner.run(hours * 3600)
        health.add(corner.smoke.health)
        found = [at_s for at_s in corner.alarms if fire.begin_s < at_s < fire.end_s]
        missed += not found
        false += len(corner.alarms) - len(found)
    return {
        "sensors": count,
        "hours": hours,
        "false_alarms": false,
        "fires_missed": missed,
        "told": sorted(health),
    }


def too_near(count: int, distance_m: float) -> parts.Figures:
    """Evenings with a grill and votive paper nearer than the instructions allow: a warning."""
    alarms = 0
    for number in range(count):
        seed = _FIRST_SEED + 50 + number
        corner = Corner(seed, 100.0 * _DAY_S, 200)
        corner.run(1800)
        chance = random.Random(seed)
        plumes = near_grill(chance, 0.0, distance_m) + votive(chance, 0.0, distance_m)
        first_s = min(plume.begin_s for plume in plumes) - corner.at_s - 60
        for plume in plumes:
            object.__setattr__(plume, "begin_s", (plume.begin_s - first_s) % 7200 + corner.at_s)
        corner.plumes = plumes
        corner.run(3600)
        alarms += bool(corner.alarms)
    return {"evenings": count, "distance_m": distance_m, "with_alarm": alarms}


def figures(quick: bool = False) -> parts.Figures:
    """The three situations."""
    parts.LOG.info("smoke: power-ups and burn-in")
    return {
        "smoke_power_ups": power_ups(1 if quick else 16),
        "smoke_burn_in": burn_in(1, 1) if quick else burn_in(6, 30),
        "smoke_too_near": [] if quick else [too_near(20, 1.5), too_near(20, 1.0)],
    }


if __name__ == "__main__":
    parts.main(figures)
