"""From frames to events: both models, the votes and the zone counts of one camera; no I/O."""

from collections.abc import Callable
from typing import Any, Protocol

from haidang_gateway.vision.crowd import ZoneCount
from haidang_gateway.vision.fire import Verdict, Vote
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import CrowdLine, FlameLine, Line, SmokeLine, WorkerSettings
from haidang_gateway.vision.liveliness import HOT_SHARE, Flicker, Growth
from haidang_gateway.vision.own_gain import corrected
from haidang_gateway.vision.picture import (
    CrowdCount,
    FireScores,
    Grid,
    Shown,
    strongest_box,
)
from haidang_gateway.vision.usual import Usual

# A single picture with this share of the threshold wakes the camera up: all its pictures count.
_SUSPECT_SHARE = 0.6


class Networks(Protocol):
    """The two networks with the thresholds of their manifest."""

    @property
    def fire_threshold(self) -> float: ...
    @property
    def smoke_threshold(self) -> float: ...

    def fire(self, picture: Shown) -> FireScores:
        """Scores for flames and smoke."""

    def crowd(self, picture: Shown, person_px: float | None) -> CrowdCount:
        """The density map of people; `person_px` is a person's height in this picture."""


class _Kind:
    """Flames or smoke at one camera: what is usual, how the spot behaves, the vote."""

    def __init__(self, threshold: float, settings: WorkerSettings) -> None:
        self.threshold = threshold
        self.usual = Usual(threshold)
        self._mapped_from = min(threshold * _SUSPECT_SHARE, HOT_SHARE)
        self._vote = Vote(threshold=threshold, need=settings.fire_need, of=settings.fire_of)
        self._flicker = Flicker()
        self._growth = Growth()

    @property
    def active(self) -> bool:
        return self._vote.active

    def see(self, score: float, make_cells: Callable[[], Grid], frame: Frame) -> Verdict | None:
        """Only what scores, and what is learnt now and then, needs the map of cells."""
        at_ms, suspect = frame.at_ms, score >= self.threshold * _SUSPECT_SHARE
        learns = self.usual.learns(at_ms)
        cells = make_cells() if score >= self._mapped_from or learns else None
        box = None if cells is None or not suspect else strongest_box(cells)
        fair = score if cells is None else self.usual.fair(score, cells)
        flickers = self._flicker.see(frame, box, at_ms)
        grows = self._growth.see(cells, score, at_ms)
        told = self._vote.see(fair, at_ms, cells=cells, box=box, alive=flickers or grows)
        if learns and cells is not None:
            self.usual.learn(score, cells, at_ms, alarmed=self.active)
        return told


class Observer:
    """Looks at one camera's frames in order of time."""

    def __init__(self, networks: Networks, settings: WorkerSettings) -> None:
        """Make the votes and zones; ConfigError for impossible settings."""
        self._networks = networks
        self._person_px = settings.person_px
        self._count_gain = settings.count_gain
        self._crowd_every_ms = int(settings.crowd_every_s * 1000)
        self._next_crowd_ms = 0
        self._flames = _Kind(settings.fire_threshold or networks.fire_threshold, settings)
        self._smoke = _Kind(settings.smoke_threshold or networks.smoke_threshold, settings)
        self._zones = {z.id: ZoneCount(z.polygon, area_m2=z.area_m2) for z in settings.zones}
        self.suspects = False

    @property
    def active(self) -> bool:
        """Whether flames or smoke are voted for."""
        return self._flames.active or self._smoke.active

    def see(self, frame: Frame, *, count: bool = True) -> list[Line]:
        """The events of one frame: votes that changed, and now and then the zones' counts.

        Without `count` nobody is counted in it.
        """
        lines = self._look_for_fire(frame)
        if count and self._zones and frame.at_ms >= self._next_crowd_ms:
            self._next_crowd_ms = frame.at_ms + self._crowd_every_ms
            lines += self._count_people(frame)
        return lines

    def usual(self) -> dict[str, Any]:
        """What is usual at this camera, for a file."""
        return {"flames": self._flames.usual.to_json(), "smoke": self._smoke.usual.to_json()}

    def take_over(self, kept: dict[str, Any]) -> None:
        """Go on with what was usual before."""
        self._flames.usual.take_over(kept.get("flames", {}))
        self._smoke.usual.take_over(kept.get("smoke", {}))

    def _look_for_fire(self, frame: Frame) -> list[Line]:
        seen = self._networks.fire(frame)
        flames = self._flames.see(seen.fire, lambda: seen.cells_fire, frame)
        smoke = self._smoke.see(seen.smoke, lambda: seen.cells_smoke, frame)
        self.suspects = (
            seen.fire >= self._flames.threshold * _SUSPECT_SHARE
            or seen.smoke >= self._smoke.threshold * _SUSPECT_SHARE
        )
        lines: list[Line] = []
        if flames is not None:
            lines.append(FlameLine(**_fields(flames)))
        if smoke is not None:
            lines.append(SmokeLine(**_fields(smoke)))
        return lines

    def _count_people(self, frame: Frame) -> list[Line]:
        seen = corrected(self._networks.crowd(frame, self._person_px), self._count_gain)
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
