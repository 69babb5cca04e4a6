"""What a camera's lines mean as facts, and when its silence is one; pure, time is given."""

from dataclasses import dataclass

from haidang_gateway.model import CrowdSeen, Fact, FireSeen, HealthFact, Heard, Silence
from haidang_gateway.vision.lines import (
    AliveLine,
    CrowdLine,
    FaultLine,
    FlameLine,
    Line,
    SmokeLine,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A camera's name in facts ("camera:<id>") and its place."""

    source: str
    place: str


class Presence:
    """Turns one camera's lines into facts and notices when it stops seeing.

    Only an alive line is a sign of life: a worker that reports faults runs, but it is blind.
    """

    def __init__(self, spot: Spot, *, silence_ms: int, now_ms: int) -> None:
        """Neither up nor down until the first alive line or `silence_ms` without one."""
        self._spot = spot
        self._silence_ms = silence_ms
        self._alive_ms = now_ms
        self._health: str | None = None
        self.up: bool | None = None

    def hear(self, line: Line, now_ms: int) -> list[Fact]:
        """The facts of one line received at `now_ms`, in the order they must be told."""
        if isinstance(line, AliveLine):
            self._alive_ms = now_ms
            heard = [] if self.up else [self._heard(line.at_ms, now_ms)]
            self.up = True
            return [*heard, *self._health_change(line.health, line.at_ms, now_ms)]
        if isinstance(line, FaultLine):
            return self._health_change(line.health, line.at_ms, now_ms)
        return [self._sighting(line, now_ms)]

    def check(self, now_ms: int) -> list[Fact]:
        """A Silence, once, when no alive line came for `silence_ms`."""
        if self.up is False or now_ms - self._alive_ms < self._silence_ms:
            return []
        self.up = False
        return [
            Silence(
                source=self._spot.source,
                place=self._spot.place,
                since_ms=self._alive_ms,
                at_ms=now_ms,
                received_ms=now_ms,
            )
        ]

    def _heard(self, at_ms: int, now_ms: int) -> Fact:
        spot = self._spot
        return Heard(source=spot.source, place=spot.place, at_ms=at_ms, received_ms=now_ms)

    def _health_change(self, health: str, at_ms: int, now_ms: int) -> list[Fact]:
        if health == self._health:
            return []
        self._health = health
        return [
            HealthFact(
                source=self._spot.source,
                place=self._spot.place,
                sensor="camera",
                health=health,
                at_ms=at_ms,
                received_ms=now_ms,
            )
        ]

    def _sighting(self, line: FlameLine | SmokeLine | CrowdLine, now_ms: int) -> Fact:
        if isinstance(line, CrowdLine):
            return CrowdSeen(
                source=self._spot.source,
                place=self._spot.place,
                zone=line.zone,
                count=line.count,
                low=line.low,
                high=line.high,
                density_m2=line.density,
                at_ms=line.at_ms,
                received_ms=now_ms,
            )
        return FireSeen(
            source=self._spot.source,
            place=self._spot.place,
            kind="fire" if isinstance(line, FlameLine) else "smoke",
            active=line.active,
            score=line.score,
            box=line.box,
            at_ms=line.at_ms,
            received_ms=now_ms,
            snapshot=line.snapshot,
        )
