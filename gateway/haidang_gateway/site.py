"""What the rules know of the city: places, who stands where, levels, zones, windows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_NODE, _CAMERA = "urn:dev:mac:", "camera:"


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
    """A gauge's level: "watch", "warning" or "danger" from `mm` on."""

    name: str
    mm: int
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A gauge's levels from `from_ms` on; `document` is the decision that set official ones."""

    levels: tuple[Level, ...]
    from_ms: int = 0
    document: str = ""


@dataclass(frozen=True, slots=True)
class Downstream:
    """The next gauge of the river: its source, and how long high water takes to it."""

    source: str
    travel_s: float


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
    source to the editions of its levels, `rivers` to the gauges below it. `wired` are sources
    that are heard without the broker. Windows are seconds.
    """

    gateway: str
    timezone: str
    places: Mapping[str, Place]
    node_places: Mapping[str, str] = field(default_factory=dict)
    camera_places: Mapping[str, str] = field(default_factory=dict)
    gauges: Mapping[str, tuple[Edition, ...]] = field(default_factory=dict)
    rivers: Mapping[str, Downstream] = field(default_factory=dict)
    zones: Mapping[str, CrowdZone] = field(default_factory=dict)
    wired: frozenset[str] = frozenset()
    smoke_verify_s: float = 60.0
    fusion_window_s: float = 300.0
    flood_verify_s: float = 30.0
    flood_lead_s: float = 1800.0
    level_hysteresis_mm: int = 30
    crowd_hysteresis_pct: int = 20
    crowd_lead_s: float = 300.0
    report_hold_s: float = 1800.0

    def is_gone(self, source: str) -> bool:
        """Whether a node or camera of this name was taken out of the configuration."""
        if source.startswith(_NODE):
            return source not in self.node_places
        return source.startswith(_CAMERA) and source not in self.camera_places
