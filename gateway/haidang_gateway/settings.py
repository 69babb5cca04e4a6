"""The configuration as frozen values; `config.py` reads them, `app.py` hands them out."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from haidang_wire.topics import base_name

from haidang_gateway.destination import DestinationSettings
from haidang_gateway.site import CrowdZone, Downstream, Edition, Level, Place, Site

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """The gateway's own broker and the two identities the gateway shows it (PEM files)."""

    host: str
    port: int
    server_name: str
    ca: Path
    cert: Path
    key: Path
    cert_alarm: Path
    key_alarm: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """One sensor node: where it stands, how often it must be heard, its gauge's levels.

    `gauge` are the city's own levels; official ones come with the signed data of
    `gauge_station`, `gauge_zero_mm` is the height of the gauge's zero above that station's datum.
    """

    id: str
    place: str
    heartbeat_s: int = 30
    gauge: tuple[Level, ...] = ()
    gauge_station: str = ""
    gauge_zero_mm: int = 0
    downstream: str = ""
    travel_min: float = 0.0

    @property
    def source(self) -> str:
        """The name facts carry: the SenML base name without its trailing colon."""
        return _source(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    """One serial port and the nodes on it; `keys` is the folder with `<node>.serial.key`."""

    device: str
    baud: int
    nodes: tuple[str, ...]
    keys: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """One camera and its crowd zone.

    `url` is a file, rtsp://, http://, tcp:// or a device; `person_px` the height of a standing
    person in the picture's pixels; `count_gain` people are told for each one counted; `zone` a
    polygon in fractions of the picture (empty: all of it); `ground` pairs of (picture fraction,
    metres on the ground) for the homography. `masks` are blackened in every picture, what
    `motion_masks` cover does not count as movement; `idle_fps` pictures a second are looked at
    while nothing is up.
    """

    id: str
    place: str
    url: str
    fps: float = 5.0
    idle_fps: float = 1.0
    masks: tuple[tuple[Point, ...], ...] = ()
    motion_masks: tuple[tuple[Point, ...], ...] = ()
    crowd_every_s: float = 2.0
    person_px: float | None = None
    count_gain: float = 1.0
    zone: tuple[Point, ...] = ()
    ground: tuple[tuple[Point, Point], ...] = ()
    area_m2: float | None = None
    levels_m2: tuple[float, float, float] = (2.0, 3.5, 4.7)
    limit_count: float | None = None
    footfall_nodes: tuple[str, ...] = ()
    loop: bool = False

    @property
    def source(self) -> str:
        """The name facts carry."""
        return f"camera:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionSettings:
    """What the camera workers may use.

    `fire` names the manifest's table of the fire model, `edge_tpu` a Coral Edge TPU's library.
    """

    fire: str = "fire"
    threads: int = 1
    edge_tpu: str | None = None
    cameras_per_worker: int = 4
    memory_mb: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSettings:
    """Alarms' pictures: deleted after `keep_days`, or the oldest first beyond `max_mb`."""

    keep_days: int = 30
    max_mb: int = 2000
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSettings:
    """Windows of the alarm rules; sources of the defaults stand in gateway.example.toml."""

    smoke_verify_s: float = 60.0
    fusion_window_s: float = 300.0
    flood_verify_s: float = 30.0
    flood_hysteresis_mm: int = 30
    flood_lead_s: float = 1800.0
    crowd_sustain_s: float = 30.0
    crowd_hysteresis_pct: int = 20
    crowd_lead_s: float = 300.0
    report_hold_s: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Bounds of the database and of the time telemetry may wait for its commit.

    `reserve_mb` of the disk stay free; packs are kept for `raw_days` and at most `keep_packs` of
    them once they are forwarded, the charts' minutes and hours for `minute_days`, `hour_days`, the
    ledger's days for `ledger_days`, then its years.
    """

    max_mb: int = 1024
    reserve_mb: int = 64
    keep_packs: int = 1_000_000
    raw_days: int = 7
    minute_days: int = 90
    hour_days: int = 1826
    ledger_days: int = 400
    telemetry_commit_ms: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration of one gateway; `place` is where it stands.

    `destinations` are further ones beside the centre; `metrics_port` 0: no figures for Prometheus.
    """

    id: str
    timezone: str
    data_dir: Path
    place: str | None = None
    broker: BrokerSettings
    centre: DestinationSettings
    destinations: tuple[DestinationSettings, ...] = ()
    places: tuple[Place, ...]
    nodes: tuple[NodeSettings, ...] = ()
    serial: tuple[SerialSettings, ...] = ()
    cameras: tuple[CameraSettings, ...] = ()
    rules: RulesSettings = field(default_factory=RulesSettings)
    level_keys: tuple[Path, ...] = ()
    models_dir: Path = Path("/usr/share/haidang/models")
    vision: VisionSettings = field(default_factory=VisionSettings)
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    metrics_port: int = 0

    def site(self, official: Mapping[str, tuple[Edition, ...]] | None = None) -> Site:
        """What the alarm rules need to know; `official` are signed levels by a node's source."""
        return Site(
            gateway=self.id,
            timezone=self.timezone,
            places={place.id: place for place in self.places},
            node_places={node.source: node.place for node in self.nodes},
            camera_places={camera.source: camera.place for camera in self.cameras},
            gauges={
                node.source: editions
                for node in self.nodes
                if (editions := _editions(node, official or {}))
            },
            rivers={
                node.source: Downstream(_source(node.downstream), node.travel_min * 60)
                for node in self.nodes
                if node.downstream
            },
            wired=frozenset(_source(node) for line in self.serial for node in line.nodes),
            zones={camera.id: _zone(camera, self.rules) for camera in self.cameras},
            smoke_verify_s=self.rules.smoke_verify_s,
            fusion_window_s=self.rules.fusion_window_s,
            flood_verify_s=self.rules.flood_verify_s,
            flood_lead_s=self.rules.flood_lead_s,
            level_hysteresis_mm=self.rules.flood_hysteresis_mm,
            crowd_hysteresis_pct=self.rules.crowd_hysteresis_pct,
            crowd_lead_s=self.rules.crowd_lead_s,
            report_hold_s=self.rules.report_hold_s,
        )


def _zone(camera: CameraSettings, rules: RulesSettings) -> CrowdZone:
    return CrowdZone(
        id=camera.id,
        place=camera.place,
        area_m2=camera.area_m2,
        levels_m2=camera.levels_m2,
        limit_count=camera.limit_count,
        sustain_s=rules.crowd_sustain_s,
        footfall_sources=tuple(_source(node) for node in camera.footfall_nodes),
    )


@functools.lru_cache(maxsize=20_000)
def _source(node: str) -> str:
    return str(base_name(node)).removesuffix(":")


def _editions(
    node: NodeSettings, official: Mapping[str, tuple[Edition, ...]]
) -> tuple[Edition, ...]:
    """The city's own levels until the first official ones are in force."""
    own = (Edition(levels=node.gauge),) if node.gauge else ()
    return own + official.get(node.source, ())
