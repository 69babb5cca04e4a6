"""The small city with persons in it, and one with neighbouring places and a river."""

import dataclasses
from typing import Any

from alarm_city import GAUGE, SITE, City
from haidang_gateway.model import (
    DismissAlarm,
    Exercise,
    FloodFact,
    Injected,
    Report,
    ShelveAlarm,
    SmokeFact,
)
from haidang_gateway.site import Downstream, Place

HOUR_S = 3600
UPPER = "urn:dev:mac:240ac4fffe000009"
LANE = Place(id="lane", name="Ngõ 3", name_en="Lane 3", lat=19.7008, lon=105.9, radius_m=30)
FAR = dataclasses.replace(LANE, id="far", lat=19.701)
HILL = Place(id="hill", name="Cẩm Thủy", name_en="Cam Thuy", lat=20.2, lon=105.5, radius_m=200)
CITY = dataclasses.replace(
    SITE,
    places={**SITE.places, "lane": LANE, "far": FAR, "hill": HILL},
    node_places={**SITE.node_places, UPPER: "hill"},
    gauges={**SITE.gauges, UPPER: SITE.gauges[GAUGE]},
    rivers={UPPER: Downstream(GAUGE, 5400.0)},
)


class People(City):
    """The city with persons in it."""

    def report(
        self, by: str, hazard: Any = "fire", place: str = "market", *, age_s: float = 0
    ) -> list[dict[str, Any]]:
        return self.hear(self.reported(by, hazard, place, age_s))

    def reported(self, by: str, hazard: Any, place: str, age_s: float = 0) -> Report:
        when = self._when(f"report:{by}", age_s)
        return Report(place=place, hazard=hazard, words="khói đen", **when)

    def dismiss(self, alarm_id: str) -> list[dict[str, Any]]:
        return self.hear(DismissAlarm(alarm_id=alarm_id, by="Lan", **self._now))

    def shelve(self, alarm_id: str, hours: float) -> list[dict[str, Any]]:
        until_ms = self.now_ms + round(hours * HOUR_S * 1000)
        return self.hear(ShelveAlarm(alarm_id=alarm_id, by="Lan", until_ms=until_ms, **self._now))

    def exercise(self, seconds: float, place: str = "market") -> list[dict[str, Any]]:
        until_ms = self.now_ms + round(seconds * 1000)
        return self.hear(Exercise(place=place, until_ms=until_ms, by="Lan", **self._now))

    def inject(self, stimulus: Any) -> list[dict[str, Any]]:
        return self.hear(Injected(stimulus=stimulus, **self._now))

    def pretend(self, state: str, place: str = "market") -> list[dict[str, Any]]:
        when = self._when("exercise:smoke")
        return self.inject(SmokeFact(place=place, state=state, ratio=None, **when))

    @property
    def _now(self) -> dict[str, int]:
        return {"at_ms": self.now_ms, "received_ms": self.now_ms}


class Waters(People):
    """A city with neighbouring places and a river."""

    def __init__(self) -> None:
        super().__init__(CITY)

    def rise(self, level_mm: int, rate_mm_h: int | None, **more: Any) -> list[dict[str, Any]]:
        when = self._when(more.pop("source", GAUGE))
        place = more.pop("place", "river")
        state = more.pop("state", None)
        fact = FloodFact(
            place=place, state=state, level_mm=level_mm, rate_mm_h=rate_mm_h, **when, **more
        )
        return self.hear(fact)

    def upper(self, level_mm: int) -> list[dict[str, Any]]:
        return self.rise(level_mm, None, source=UPPER, place="hill")
