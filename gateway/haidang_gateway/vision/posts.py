"""A camera's table of the configuration as the settings of its worker."""

from pathlib import Path

from haidang_gateway.settings import CameraSettings, EvidenceSettings
from haidang_gateway.vision.evidence_care import EVIDENCE
from haidang_gateway.vision.ground import Ground
from haidang_gateway.vision.lines import WorkerSettings, ZoneSettings
from haidang_gateway.vision.post import Post

_WHOLE_PICTURE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def view_file(data_dir: Path, camera: str) -> Path:
    """Where a camera's learnt view lies; without the file it is learnt anew."""
    return data_dir / "views" / f"{camera}.view"


def post_of(
    camera: CameraSettings, models_dir: Path, data_dir: Path, evidence: EvidenceSettings
) -> Post:
    """The post of one configured camera; its crowd zone carries the camera's id.

    Raises ConfigError for ground points that no camera can see so.
    """
    zone = ZoneSettings(
        id=camera.id, polygon=camera.zone or _WHOLE_PICTURE, area_m2=zone_area_m2(camera)
    )
    worker = WorkerSettings(
        id=camera.id,
        source=camera.url,
        models_dir=str(models_dir),
        clock_offset_ms=0,
        fps=camera.fps,
        idle_fps=camera.idle_fps,
        masks=camera.masks,
        motion_masks=camera.motion_masks,
        view_file=str(view_file(data_dir, camera.id)),
        evidence_dir=str(data_dir / EVIDENCE),
        evidence_key=None if evidence.key is None else str(evidence.key),
        loop=camera.loop,
        person_px=camera.person_px,
        count_gain=camera.count_gain,
        crowd_every_s=camera.crowd_every_s,
        zones=(zone,),
    )
    return Post(place=camera.place, worker=worker)


def zone_area_m2(camera: CameraSettings) -> float | None:
    """The zone's area: as configured, or measured through the four ground points, or unknown."""
    if camera.area_m2 is not None or not camera.ground:
        return camera.area_m2
    picture = [point for point, _ in camera.ground]
    metres = [point for _, point in camera.ground]
    return Ground(picture, metres).area_m2(camera.zone or _WHOLE_PICTURE)
