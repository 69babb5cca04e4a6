"""The flood sensor on simulated streets: level error, false floods, seconds to an alarm.

Beside it FloodNet's published filter and the median that the node had first. One ping in 250 ms,
of which the node takes those that it asks for; the meter has no temperature compensation.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol

from haidang_board import physics_traces
from haidang_board.physics_echoes import ParkedCar, Scene
from haidang_board.physics_traces import Ping, Trace
from haidang_board.physics_water import DayHeat, Runoff, Water, Waves, sound_m_s

from bench import node_pure, parts
from bench.flood_peers import FloodNet, MedianFilter

_MOUNT_MM = 3000
# The defaults of node.json.
_SETTINGS = {
    "mount_mm": _MOUNT_MM,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
    # As `calibrate` finds it with a tape for the meter of the model.
    "sound_cc": 2500,
}
_RANKS = ("normal", "watch", "warning", "danger")
_THRESHOLDS = tuple(_SETTINGS[f"{name}_mm"] for name in _RANKS[1:])
# Levels are compared every 5 s; an alarm this far below the truth's threshold is a false one.
_COMPARED_STEPS = 20
_EARLY_MM = 40
# Missed: the water stood this far above for a time, and no alarm came.
_CLEAR_MM = 30
_MISSED_S = 300.0
_FLOODS = 30
_SEEDS = 2
_STARTS = 6
_ROOF_MM = 1450.0


class Sensor(Protocol):
    """What runs on the pings."""

    rank: int

    def step(self, now_ms: int, ping: Ping) -> None:
        """One ping, told_mm 0 where none came."""

    def level_mm(self) -> int | None:
        """What it tells of the water; None where it tells nothing."""


class Wire:
    """A meter as the node's drivers are, but for the serial line."""

    beam = True
    corrected = False
    fault = ""

    def __init__(self) -> None:
        self.told_mm: int | None = None
        self.good = self.bad = 0

    def read(self) -> int | None:
        """The newest ping; 0 where no echo came."""
        self.good += 1
        return self.told_mm


class Node:
    """The node's sensor, sampled as often as it wants to be."""

    def __init__(self, probe: bool = True, always: bool = False, last: Any = None) -> None:
        """always: it takes every ping; last: what it kept of an earlier life."""
        self._always = always
        self._last = last
        self._wire = Wire()
        self._air = SimpleNamespace(known=True, temp_cc=0) if probe else None
        self.flood: Any = None
        self._ranks = {name: rank for rank, name in enumerate(_RANKS)}
        self._due_ms = 0
        self.rank = 0
        self.samples = 0

    def step(self, now_ms: int, ping: Ping) -> None:
        """A ping that the node asks for or not."""
        if now_ms < self._due_ms and not self._always:
            return
        if self.flood is None:
            self.flood = self._start(ping)
        self._wire.told_mm = ping.told_mm
        if self._air:
            self._air.temp_cc = round(ping.probe_c * 100)
        self.flood.sample(now_ms)
        self._due_ms = now_ms + self.flood.period_ms
        self.rank = self._ranks[self.flood.state]
        self.samples += 1

    def _start(self, ping: Ping) -> Any:
        """Without a probe its zero has followed the air until now, as on any dry day."""
        last = self._last
        if not self._air and ping.level_mm == 0:
            assumed_m_s, now_m_s = sound_m_s(25.0), sound_m_s(ping.probe_c)
            last = (0, round(_MOUNT_MM * (1 - assumed_m_s / now_m_s)))
        return node_pure.flood(_SETTINGS, self._wire, self._air, last)

    def level_mm(self) -> int | None:
        """What its records would tell."""
        return self.flood.gauge.level_mm if self.flood.health == "ok" else None


@dataclass(slots=True)
class Seen:
    """What one sensor made of one trace."""

    squares: list[float] = field(default_factory=list)
    compared: int = 0
    false_floods: int = 0
    false_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)
    missed: int = 0


class _Watch:
    """Follows one sensor through one trace, with the truth beside it."""

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.seen = Seen()
        self._crossed: dict[int, float] = {}
        self._alarmed: set[int] = set()
        self._false = False
        self._last: Ping | None = None
        self._highest_mm = 0.0

    def step(self, step: int, ping: Ping) -> None:
        sensor = self.sensor
        sensor.step(step * 250, ping)
        rank = sensor.rank
        false = rank > 0 and ping.level_mm < _THRESHOLDS[rank - 1] - _EARLY_MM
        # Hysteresis may keep a state: only rising into one is false.
        if false and not self._false and not self._crossed:
            self.seen.false_floods += 1
        self._false = false
        if false and not self._crossed:
            self.seen.false_s += 0.25
        self._last = ping
        self._highest_mm = max(self._highest_mm, ping.level_mm)
        if ping.level_mm >= _THRESHOLDS[0]:
            self._cross(ping)
        if step % _COMPARED_STEPS == 0:
            self._compare(ping)

    def finish(self) -> Seen:
        ended_s = self._last.time_s if self._last else 0.0
        for place, began_s in self._crossed.items():
            clear = self._highest_mm >= _THRESHOLDS[place] + _CLEAR_MM
            late = ended_s - began_s >= _MISSED_S
            self.seen.missed += clear and late and place not in self._alarmed
        return self.seen

    def _cross(self, ping: Ping) -> None:
        for place, threshold in enumerate(_THRESHOLDS):
            if ping.level_mm < threshold:
                return
            began_s = self._crossed.setdefault(place, ping.time_s)
            if self.sensor.rank > place and place not in self._alarmed:
                self._alarmed.add(place)
                self.seen.delays_s.append(ping.time_s - began_s)

    def _compare(self, ping: Ping) -> None:
        level_mm = self.sensor.level_mm()
        self.seen.compared += 1
        if level_mm is not None:
            self.seen.squares.append((level_mm - ping.level_mm) ** 2)


SENSORS: dict[str, Callable[[], Sensor]] = {
    "node": Node,
    "without_probe": lambda: Node(probe=False),
    "always_4_hz": lambda: Node(always=True),
    "floodnet": lambda: FloodNet(_MOUNT_MM, _THRESHOLDS),
    "median": lambda: MedianFilter(_MOUNT_MM, _THRESHOLDS, _SETTINGS["hysteresis_mm"]),
}


def run(trace: Trace) -> dict[str, Seen]:
    """All sensors on the very same pings."""
    watches = {name: _Watch(sensor()) for name, sensor in SENSORS.items()}
    _follow(watches.values(), trace)
    return {name: watch.finish() for name, watch in watches.items()}


def _follow(watches: Iterable[_Watch], trace: Trace) -> None:
    for step, ping in enumerate(trace.pings()):
        for watch in watches:
            watch.step(step, ping)


def _summed(name: str, by_trace: dict[str, list[dict[str, Seen]]]) -> parts.Figures:
    def seen(*traces: str) -> list[Seen]:
        return [results[name] for trace in traces for results in by_trace[trace]]

    swing = seen(*physics_traces.SWING)
    squares = [square for one in swing for square in one.squares]
    delays_s = sorted(delay_s for one in seen("flood", "flood_swing") for delay_s in one.delays_s)
    return {
        "level_rmse_mm": _root(squares),
        "level_rmse_by_trace_mm": {
            trace: _root([square for one in seen(trace) for square in one.squares])
            for trace in (*physics_traces.SWING, "flood")
        },
        "level_told_pct": round(100 * len(squares) / sum(one.compared for one in swing), 1),
        "false_floods": sum(one.false_floods for one in seen(*physics_traces.DRY)),
        "false_floods_by_trace": {
            trace: sum(one.false_floods for one in seen(trace)) for trace in by_trace
        },
        "false_flood_minutes": round(
            sum(one.false_s for one in seen(*physics_traces.DRY)) / 60, 1
        ),
        "crossings": len(delays_s) + sum(one.missed for one in seen("flood", "flood_swing")),
        "missed": sum(one.missed for one in seen("flood", "flood_swing")),
        "alarm_median_s": statistics.median(delays_s) if delays_s else None,
        "alarm_p90_s": delays_s[len(delays_s) * 9 // 10] if delays_s else None,
        # Seconds to each of the thresholds that the water reached; null where one was missed.
        "hard_floods_s": {
            trace: [None if one.missed else one.delays_s for one in seen(trace)]
            for trace in physics_traces.HARD
        },
    }


def _starts(quick: bool) -> parts.Figures:
    """Power-ups under a car with a stored dry street, and water that comes over a car's roof."""
    false_floods = 0
    over_s: list[float] = []
    for seed in range(1 if quick else _STARTS):
        scene = Scene(Water(), DayHeat(seed), things=[ParkedCar(-60, 3000)])
        watch = _Watch(Node(last=(0, 0)))
        _follow([watch], Trace("power_up_car", scene, 3600, seed))
        false_floods += watch.seen.false_floods
        runoff = Runoff(900, 2000.0, 1500.0 + 400 * seed)
        water = Water(runoffs=[runoff], waves=Waves(seed, 5.0 + 5 * seed))
        scene = Scene(water, DayHeat(seed), things=[ParkedCar(300, 9000)])
        node = Node()
        began_s = 0.0
        for step, ping in enumerate(Trace("over_car", scene, 4500, seed).pings()):
            node.step(step * 250, ping)
            began_s = began_s or (ping.time_s if ping.level_mm > _ROOF_MM else 0.0)
            if node.rank == len(_THRESHOLDS):
                over_s.append(ping.time_s - began_s)
                break
    return {
        "false_floods_power_up_car": false_floods,
        "over_a_car_s": [round(one) for one in over_s],
    }


def _root(squares: list[float]) -> float | None:
    return round(math.sqrt(statistics.fmean(squares)), 1) if squares else None


def figures(quick: bool = False, first_seed: int = 0) -> parts.Figures:
    """The sensor's figures, and under the others' names theirs on the same traces.

    No threshold was chosen on seeds from 100 on.
    """
    began_s = time.monotonic()
    part, seeds, floods = (0.02, 1, 1) if quick else (1.0, _SEEDS, _FLOODS)
    by_trace: dict[str, list[dict[str, Seen]]] = {}
    for name in (*physics_traces.DRY, *physics_traces.SWING):
        parts.LOG.info("flood: %s", name)
        by_trace[name] = [
            run(physics_traces.named(name, first_seed + seed, part))
            for seed in range(1, seeds + 1)
        ]
    parts.LOG.info("flood: %s floods", floods)
    for name in physics_traces.HARD:
        by_trace[name] = [run(physics_traces.named(name, first_seed + 1))] if not quick else []
    by_trace["flood"] = [
        run(physics_traces.named("flood", first_seed + seed)) for seed in range(floods)
    ]
    summed = {name: _summed(name, by_trace) for name in SENSORS}
    return {
        **summed.pop("node"),
        **_starts(quick),
        **{f"flood_{name}": values for name, values in summed.items()},
        "flood_bench_s": round(time.monotonic() - began_s, 1),
    }


if __name__ == "__main__":
    parts.main(figures)
