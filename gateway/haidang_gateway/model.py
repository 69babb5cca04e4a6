"""The gateway's values: facts go into the rules, outcomes come out, the site tells where."""

from dataclasses import dataclass, field
from typing import Any, Literal

Lane = Literal["alarm", "data"]
OutLane = Literal["alarm", "reply", "data"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeFact:
    """State of one smoke sensor.

    `source` is the SenML base name without the trailing colon; `state` a word of the contract;
    `ratio` is Rs/R0. `at_ms` is the source's time, `received_ms` the gateway's (Unix ms).
    """

    source: str
    place: str
    state: str
    ratio: float | None
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodFact:
    """One water level (mm above the gauge's zero) with its rate and the node's own state.

    `to_next_s` is the node's own time to its next level at this rate.
    """

    source: str
    place: str
    state: str | None
    level_mm: int | None
    rate_mm_h: int | None
    at_ms: int
    received_ms: int
    to_next_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FootfallFact:
    """Distinct devices in one window with their interval; None where suppressed (k < 5)."""

    source: str
    place: str
    devices: int | None
    low: int | None
    high: int | None
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFact:
    """What a sensor can see: `health` is a word of the contract, a camera is sensor "camera"."""

    source: str
    place: str
    sensor: str
    health: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FireSeen:
    """A camera's voted verdict on flames or smoke; `source` is "camera:<id>", box in 0..1."""

    source: str
    place: str
    kind: Literal["fire", "smoke"]
    active: bool
    score: float
    box: Box | None
    at_ms: int
    received_ms: int
    snapshot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdSeen:
    """People counted in one zone with the interval, and persons per m2 where the area is known."""

    source: str
    place: str
    zone: str
    count: float
    low: float
    high: float
    density_m2: float | None
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A source has not been heard since `since_ms`: three heartbeats missed, or a dead camera."""

    source: str
    place: str
    since_ms: int
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sign of life after silence."""

    source: str
    place: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMode:
    """How a node runs: a word of the contract; in "safe" mode none of its sensors is read."""

    source: str
    place: str
    mode: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerFact:
    """A node's supply: "ok", "low" (a battery runs down, a power supply fails) or "high"."""

    source: str
    place: str
    word: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTrouble:
    """How the gateway's database is; `source` is "gateway:<id>".

    `word`: "rebuilt" (it was broken, something may be missing), "restored" (from a backup),
    "full" (old telemetry is being deleted), "failing" (the disk) or "ok".
    """

    source: str
    place: str
    word: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a citizen or a patrol saw, told by the centre; `source` is "report:<who>"."""

    source: str
    place: str
    hazard: Literal["fire", "flood", "crowd"]
    words: str
    at_ms: int
    received_ms: int


Stimulus = SmokeFact | FireSeen | FloodFact | Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A stimulus that is not real: part of the exercise at its place, and of nothing else."""

    stimulus: Stimulus
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """An exercise at a place, from now to `until_ms`; a past `until_ms` ends it."""

    place: str
    until_ms: int
    by: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AckAlarm:
    """A person acknowledged an alarm: seen and taken over."""

    alarm_id: str
    by: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DismissAlarm:
    """A person found that there is nothing: a false alarm."""

    alarm_id: str
    by: str
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelveAlarm:
    """A person wants to hear nothing more of a device alarm until `until_ms`."""

    alarm_id: str
    by: str
    until_ms: int
    at_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The timer of the rule state `key` ran out."""

    key: str
    at_ms: int
    received_ms: int


Fact = (
    SmokeFact
    | FloodFact
    | FootfallFact
    | HealthFact
    | FireSeen
    | CrowdSeen
    | Silence
    | Heard
    | NodeMode
    | PowerFact
    | StoreTrouble
    | Report
    | Injected
    | Exercise
    | AckAlarm
    | DismissAlarm
    | ShelveAlarm
    | Due
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of an alarm; `document` is its exact UTF-8 JSON, `sha256` the hex of that."""

    alarm_id: str
    rev: int
    document: bytes
    sha256: str
    decided_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fact changed: rule states by key (JSON-able; None deletes) and new revisions.

    `counts` are added to the counters of these names.
    """

    states: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    revisions: tuple[Revision, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
