"""What gateway and camera worker say to each other: settings down, one JSON line up per event."""

from typing import Literal

import msgspec

from haidang_gateway.errors import CameraError
from haidang_gateway.model import Box

Point = tuple[float, float]
Polygon = tuple[Point, ...]


class ZoneSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A crowd zone: `polygon` in picture coordinates 0..1, `area_m2` where it is known."""

    id: str
    polygon: tuple[Point, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    area_m2: float | None = None


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that a worker needs for one camera.

    `masks` are burned into the pixels, `motion_masks` only do not count as movement; `view_file`
    keeps the learnt view, `evidence_dir` pictures of alarms. `person_px` is a standing person's
    height in pixels of the source picture; `count_gain` people are told for each one counted.
    `clock_offset_ms` makes the worker's time the gateway's: wall time minus the machine's
    monotonic clock.
    """

    id: str
    source: str
    models_dir: str
    clock_offset_ms: int
    fps: float = 5.0
    # What is looked at each second while nothing is up; `fps` or more switches the thrift off.
    idle_fps: float = 1.0
    loop: bool = True
    masks: tuple[Polygon, ...] = ()
    motion_masks: tuple[Polygon, ...] = ()
    view_file: str | None = None
    evidence_dir: str | None = None
    evidence_key: str | None = None
    person_px: float | None = None
    count_gain: float = 1.0
    crowd_every_s: float = 2.0
    alive_every_s: float = 2.0
    fault_every_s: float = 5.0
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    dark_after_s: float = 20.0
    frozen_after_s: float = 60.0
    turned_after_s: float = 60.0
    # At 5 pictures a second flames must last 1.6 s: headlights on wet asphalt score high for less.
    fire_need: int = 8
    fire_of: int = 12
    fire_threshold: float | None = None
    smoke_threshold: float | None = None
    zones: tuple[ZoneSettings, ...] = ()


class CrewSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first line on a worker's standard input: its cameras and what it may use.

    `fire` is the manifest's table of the fire model, `threads` are the networks' own; `edge_tpu`
    names the library of a Coral Edge TPU.
    """

    cameras: tuple[WorkerSettings, ...]
    memory_mb: int = 600
    fire: str = "fire"
    threads: int = 1
    edge_tpu: str | None = None


class FlameLine(msgspec.Struct, frozen=True, tag_field="t", tag="fire", kw_only=True):
    """The vote on flames changed, or repeats while active; `box` is cx, cy, w, h in 0..1."""

    active: bool
    score: float
    box: Box | None
    at_ms: int
    snapshot: str | None = None
    camera: str = ""


class SmokeLine(msgspec.Struct, frozen=True, tag_field="t", tag="smoke", kw_only=True):
    """The vote on smoke changed, or repeats while active."""

    active: bool
    score: float
    box: Box | None
    at_ms: int
    snapshot: str | None = None
    camera: str = ""


class CrowdLine(msgspec.Struct, frozen=True, tag_field="t", tag="crowd", kw_only=True):
    """People in one zone with the interval; `density` is persons per m2 or None."""

    zone: str
    count: float
    low: float
    high: float
    density: float | None
    at_ms: int
    camera: str = ""


class AliveLine(msgspec.Struct, frozen=True, tag_field="t", tag="alive", kw_only=True):
    """Fresh frames were looked at since the last such line; sums since the worker's start.

    `health` tells a view that is still looked at though it is bad; `invoke_ms` is the mean time of
    the networks for a picture, of both looks where it had two; `age_ms` the greatest age of a
    picture when it had been judged.
    """

    frames: int
    dropped: int
    fps: float
    at_ms: int
    health: Literal["ok", "blurred", "turned"] = "ok"
    invoke_ms: float = 0.0
    age_ms: int = 0
    camera: str = ""


class FaultLine(msgspec.Struct, frozen=True, tag_field="t", tag="fault", kw_only=True):
    """The camera sees nothing; `hint` is what to do, no `camera` means all of the worker."""

    error: str
    hint: str
    at_ms: int
    health: Literal["silent", "stuck", "black", "blinded"] = "silent"
    camera: str = ""


Line = FlameLine | SmokeLine | CrowdLine | AliveLine | FaultLine

_encoder = msgspec.json.Encoder()
_line_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_settings_decoder = msgspec.json.Decoder(CrewSettings)


def encode(message: Line | CrewSettings) -> bytes:
    """One JSON object and a line feed."""
    return _encoder.encode(message) + b"\n"


def decode_line(data: bytes) -> Line:
    """A worker's line; CameraError if it is none."""
    try:
        return _line_decoder.decode(data)
    except msgspec.DecodeError as error:
        raise CameraError(f"the camera worker wrote a line that is no event: {error}") from error


def decode_settings(data: bytes) -> CrewSettings:
    """The settings line; CameraError with the field's path if it is wrong."""
    try:
        return _settings_decoder.decode(data)
    except msgspec.DecodeError as error:
        raise CameraError(f"the camera worker got wrong settings: {error}") from error
