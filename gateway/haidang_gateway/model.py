"""The gateway's values: facts go into the rules, outcomes come out, the site tells where."""

from collections.abc import Mapping
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
    """One water level (mm above the gauge's zero) with its rate and the node's own state."""

    source: str
    place: str
    state: str | None
    level_mm: int | None
    rate_mm_h: int | None
    at_ms: int
    received_ms: int


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
class AckAlarm:
    """The operations centre acknowledged an alarm."""

    alarm_id: str
    by: str
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
    | AckAlarm
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
    """What a fact changed: rule states by key (JSON-able; None deletes) and new revisions."""

    states: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    revisions: tuple[Revision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A named spot of the city in WGS 84; `radius_m` is how far an alarm there reaches."""

    id: str
    name: str
    name_en: str
    lat: float
    lon: float
    radius_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A gauge's official level: "watch", "warning" or "danger" from `mm` on."""

    name: str
    mm: int
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdZone:
    """A zone in a camera's picture; `levels_m2` are persons per m2 for watch, warning, danger."""

    id: str
    place: str
    area_m2: float | None
    levels_m2: tuple[float, float, float] = (2.0, 3.5, 4.7)
    limit_count: float | None = None
    sustain_s: float = 30.0
    footfall_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the rules must know of the city: places, who stands where, levels and times.

    `node_places` and `camera_places` map a fact's `source` to a place id, `gauges` a node's
    source to its levels in rising order. Windows are seconds.
    """

    gateway: str
    timezone: str
    places: Mapping[str, Place]
    node_places: Mapping[str, str] = field(default_factory=dict)
    camera_places: Mapping[str, str] = field(default_factory=dict)
    gauges: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    zones: Mapping[str, CrowdZone] = field(default_factory=dict)
    smoke_verify_s: float = 60.0
    fusion_window_s: float = 300.0
    flood_verify_s: float = 30.0
    level_hysteresis_mm: int = 30
    crowd_hysteresis_pct: int = 20
