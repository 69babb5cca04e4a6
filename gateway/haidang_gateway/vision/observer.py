"""From frames to events: both models, the votes and the zone counts of one camera; no I/O."""

from typing import Any, Protocol

from haidang_gateway.vision.camera import Frame, Picture
from haidang_gateway.vision.crowd import ZoneCount
from haidang_gateway.vision.fire import Verdict, Vote
from haidang_gateway.vision.lines import CrowdLine, FlameLine, Line, SmokeLine, WorkerSettings
from haidang_gateway.vision.picture import CrowdCount, FireScores


class Networks(Protocol):
    """The two networks with the thresholds of their manifest."""

    @property
    def fire_threshold(self) -> float: ...
    @property
    def smoke_threshold(self) -> float: ...

    def fire(self, rgb: Picture) -> FireScores:
        """Scores for flames and smoke."""

    def crowd(self, rgb: Picture, person_px: float | None) -> CrowdCount:
        """The density map of people; `person_px` is a person's height in this picture."""


class Observer:
    """Looks at one camera's frames in order of time."""

    def __init__(self, networks: Networks, settings: WorkerSettings) -> None:
        """Make the votes and zones; ConfigError for impossible settings."""
        self._networks = networks
        self._person_px = settings.person_px
        self._crowd_every_ms = int(settings.crowd_every_s * 1000)
        self._next_crowd_ms = 0
        need, of = settings.fire_need, settings.fire_of
        flames = settings.fire_threshold or networks.fire_threshold
        smoke = settings.smoke_threshold or networks.smoke_threshold
        self._flames = Vote(threshold=flames, need=need, of=of)
        self._smoke = Vote(threshold=smoke, need=need, of=of)
        self._zones = {z.id: ZoneCount(z.polygon, area_m2=z.area_m2) for z in settings.zones}

    def see(self, frame: Frame) -> list[Line]:
        """The events of one frame: votes that changed, and now and then the zones' counts."""
        lines = self._look_for_fire(frame)
        if self._zones and frame.at_ms >= self._next_crowd_ms:
            self._next_crowd_ms = frame.at_ms + self._crowd_every_ms
            lines += self._count_people(frame)
        return lines

    def _look_for_fire(self, frame: Frame) -> list[Line]:
        seen = self._networks.fire(frame.rgb)
        at_ms = frame.at_ms
        flames = self._flames.see(seen.fire, at_ms, cells=seen.cells_fire, box=seen.box)
        smoke = self._smoke.see(seen.smoke, at_ms, cells=seen.cells_smoke, box=seen.smoke_box)
        lines: list[Line] = []
        if flames is not None:
            lines.append(FlameLine(**_fields(flames)))
        if smoke is not None:
            lines.append(SmokeLine(**_fields(smoke)))
        return lines

    def _count_people(self, frame: Frame) -> list[Line]:
        # The calibration was done in the source picture; ours may have been made smaller.
        person_px = None if self._person_px is None else self._person_px * frame.scale
        seen = self._networks.crowd(frame.rgb, person_px)
        low, high = (seen.low / seen.count, seen.high / seen.count) if seen.count > 0 else (1, 1)
        lines: list[Line] = []
        for zone, counter in self._zones.items():
            people = counter.see(seen.density_map, low_share=low, high_share=high)
            lines.append(
                CrowdLine(
                    zone=zone,
                    count=people.count,
                    low=people.low,
                    high=people.high,
                    density=people.density_m2,
                    at_ms=frame.at_ms,
                )
            )
        return lines


def _fields(verdict: Verdict) -> dict[str, Any]:
    return {
        "active": verdict.active,
        "score": verdict.score,
        "box": verdict.box,
        "at_ms": verdict.at_ms,
    }
