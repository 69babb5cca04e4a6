"""The configuration's cameras, and what is kept of their pictures, out of their tables."""

from pathlib import Path

from haidang_gateway.config_nodes import NODE_ID, WORD
from haidang_gateway.config_table import Table
from haidang_gateway.settings import CameraSettings, EvidenceSettings, VisionSettings

# What the camera can open: a stream of a known kind, or anything that is no address.
_URL = r"(rtsps?|rtmp|https?|tcp|udp|srt|snapshot\+https?)://.+|(?!.*://).+"


def camera_of(table: Table) -> CameraSettings:
    """One camera; every mistake goes to the table's problems."""
    d = CameraSettings(id="-", place="-", url="-")
    levels = table.numbers("levels_m2", d.levels_m2, count=3, low=0.1, high=20)
    camera = CameraSettings(
        id=table.text("id", pattern=WORD, like="a short name such as market-3-east"),
        place=table.text("place", pattern=WORD, like="the id of a [[place]]"),
        url=table.text("url", pattern=_URL, like="a file, rtsp://, http:// or tcp:// address"),
        fps=table.number("fps", d.fps, low=0.1, high=30),
        idle_fps=table.number("idle_fps", d.idle_fps, low=0.1, high=30),
        crowd_every_s=table.number("crowd_every_s", d.crowd_every_s, low=0.2, high=600),
        person_px=table.optional_number("person_px", low=4, high=4000),
        count_gain=table.number("count_gain", d.count_gain, low=0.2, high=5),
        zone=table.points("zone", low=0, high=1),
        masks=table.polygons("masks"),
        motion_masks=table.polygons("motion_masks"),
        ground=_ground(table),
        area_m2=table.optional_number("area_m2", low=1, high=1_000_000),
        levels_m2=(levels[0], levels[1], levels[2]),
        limit_count=table.optional_number("limit_count", low=1, high=1_000_000),
        footfall_nodes=table.words("footfall_nodes", pattern=NODE_ID, like="node ids"),
        loop=table.yes("loop", d.loop),
    )
    table.done()
    return camera


def evidence_of(table: Table, base: Path) -> EvidenceSettings:
    """How long and how much of alarms' pictures is kept, and under which key."""
    d = EvidenceSettings()
    evidence = EvidenceSettings(
        keep_days=table.whole("keep_days", d.keep_days, low=1, high=3650),
        max_mb=table.whole("max_mb", d.max_mb, low=10, high=1_000_000),
        key=table.file("key", base=base, secret=True, remedy="make it with `openssl rand -hex 32`")
        if table.has("key")
        else None,
    )
    table.done()
    return evidence


def vision_of(table: Table) -> VisionSettings:
    """What a camera worker may use, out of [models]; the caller ends the table."""
    d = VisionSettings()
    return VisionSettings(
        fire=table.text("fire", d.fire, pattern=r"[a-z0-9-]+", like="a table of manifest.toml"),
        threads=table.whole("threads", d.threads, low=1, high=16),
        edge_tpu=table.optional_text("edge_tpu", pattern=r".+", like="the library's name") or None,
        cameras_per_worker=table.whole("cameras_per_worker", d.cameras_per_worker, low=1, high=32),
        memory_mb=table.whole("memory_mb", d.memory_mb, low=150, high=16_000),
    )


def _ground(table: Table) -> tuple[tuple[tuple[float, float], tuple[float, float]], ...]:
    picture = table.points("ground_picture", low=0, high=1)
    metres = table.points("ground_m", low=-100_000, high=100_000)
    if len(picture) != len(metres) or len(picture) not in {0, 4}:
        table.problem("ground_m", "give four points in ground_picture and the same in ground_m")
        return ()
    return tuple(zip(picture, metres, strict=True))
