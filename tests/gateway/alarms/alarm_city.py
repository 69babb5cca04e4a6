"""A small city for the alarm rules: time moves when told, states pass through JSON as stored."""

import json
from collections.abc import Mapping
from typing import Any

from haidang_gateway.alarms.engine import Rules
from haidang_gateway.model import (
    AckAlarm,
    CrowdSeen,
    Fact,
    FireSeen,
    FloodFact,
    FootfallFact,
    HealthFact,
    Heard,
    NodeMode,
    Outcome,
    PowerFact,
    Revision,
    Silence,
    SmokeFact,
)
from haidang_gateway.site import CrowdZone, Edition, Level, Place, Site

EPOCH = "5f3a9c1e"
START_MS = 1_764_000_000_000
NODE_A = "urn:dev:mac:240ac4fffe000001"
NODE_B = "urn:dev:mac:240ac4fffe000002"
GAUGE = "urn:dev:mac:240ac4fffe000003"
STREET = "urn:dev:mac:240ac4fffe000004"
COUNTER = "urn:dev:mac:240ac4fffe000005"
EAST = "camera:market-3-east"
WEST = "camera:market-3-west"

SITE = Site(
    gateway="gw-01",
    timezone="Asia/Ho_Chi_Minh",
    places={
        "market": Place(
            id="market",
            name="Chợ Cột Đỏ",
            name_en="Cot Do market",
            lat=19.7,
            lon=105.9,
            radius_m=60,
        ),
        "river": Place(
            id="river", name="Sông Mã", name_en="Ma river", lat=19.8, lon=105.8, radius_m=200
        ),
        "square": Place(
            id="square",
            name="Quảng trường",
            name_en="the square",
            lat=19.8,
            lon=105.7,
            radius_m=80,
        ),
    },
    node_places={
        NODE_A: "market",
        NODE_B: "market",
        GAUGE: "river",
        STREET: "river",
        COUNTER: "square",
    },
    camera_places={EAST: "market", WEST: "market"},
    gauges={
        GAUGE: (
            Edition(
                document="05/2020/QĐ-TTg",
                levels=(
                    Level(name="watch", mm=4000, severity="Moderate"),
                    Level(name="warning", mm=5500, severity="Severe"),
                    Level(name="danger", mm=6500, severity="Extreme"),
                ),
            ),
        )
    },
    zones={
        "plaza": CrowdZone(id="plaza", place="square", area_m2=100.0, footfall_sources=(COUNTER,)),
        "gate": CrowdZone(id="gate", place="square", area_m2=None, limit_count=10.0, sustain_s=10),
    },
)

# What `brief` tells of a device's fault.
RAISED = ("confirmed", "Minor", "Observed")


class City:
    """The rules with a clock and a memory of every stored state and revision."""

    def __init__(self, site: Site = SITE) -> None:
        self.site = site
        self.now_ms = START_MS
        self.stored: dict[str, str] = {}
        self.revisions: list[Revision] = []
        self.rules = Rules(site, {}, EPOCH)

    def hear(self, fact: Fact) -> list[dict[str, Any]]:
        """Applies one fact, stores its outcome and returns the new documents."""
        return self._store(self.rules.apply(fact, self.now_ms))

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Lets time pass, timers running out at their moment; returns the new documents."""
        end_ms = self.now_ms + round(seconds * 1000)
        documents: list[dict[str, Any]] = []
        while (due_ms := self.rules.next_due_ms(self.now_ms)) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            ready = self.rules.due(self.now_ms)
            assert ready, "a timer that never runs out"
            for due in ready:
                documents += self.hear(due)
            assert not set(ready) & set(self.rules.due(self.now_ms)), "a timer that stays"
        self.now_ms = end_ms
        return documents

    def restart(self, site: Site | None = None) -> None:
        """A new process: nothing but the stored states survives."""
        self.site = site or self.site
        self.rules = Rules(self.site, self.states, EPOCH)

    @property
    def states(self) -> Mapping[str, dict[str, Any]]:
        """The stored states, read back from JSON."""
        return {key: json.loads(text) for key, text in self.stored.items()}

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Every revision's document so far."""
        return [json.loads(revision.document) for revision in self.revisions]

    def smoke(self, state: str, source: str = NODE_A, *, age_s: float = 0) -> list[dict[str, Any]]:
        """A smoke node's state, sampled `age_s` ago."""
        ratio = {"normal": 1.0, "pre_alarm": 0.65, "alarm": 0.41}.get(state)
        fact = SmokeFact(place="market", ratio=ratio, state=state, **self._when(source, age_s))
        return self.hear(fact)

    def flames(
        self, active: bool = True, source: str = EAST, kind: str = "fire"
    ) -> list[dict[str, Any]]:
        """A camera's verdict on flames or smoke."""
        box = (0.31, 0.4, 0.12, 0.2) if active else None
        fact = FireSeen(
            place="market",
            kind="smoke" if kind == "smoke" else "fire",
            active=active,
            score=0.91 if active else 0.1,
            box=box,
            **self._when(source),
        )
        return self.hear(fact)

    def water(
        self,
        level_mm: int | None,
        state: str | None = None,
        source: str = GAUGE,
        *,
        age_s: float = 0,
    ) -> list[dict[str, Any]]:
        """A water level with the node's own state."""
        when = self._when(source, age_s)
        fact = FloodFact(place="river", state=state, level_mm=level_mm, rate_mm_h=None, **when)
        return self.hear(fact)

    def crowd(self, count: float, zone: str = "plaza") -> list[dict[str, Any]]:
        """A count in a zone, with the density where the area is known."""
        area_m2 = self.site.zones[zone].area_m2
        fact = CrowdSeen(
            place="square",
            zone=zone,
            count=count,
            low=count * 0.8,
            high=count * 1.2,
            density_m2=count / area_m2 if area_m2 else None,
            **self._when("camera:square"),
        )
        return self.hear(fact)

    def watch_crowd(self, count: float, seconds: int, zone: str = "plaza") -> list[dict[str, Any]]:
        """The same count every 2 s."""
        documents: list[dict[str, Any]] = []
        for _ in range(0, seconds, 2):
            documents += self.crowd(count, zone)
            documents += self.wait(2)
        return documents

    def phones(self, devices: int | None) -> list[dict[str, Any]]:
        """A footfall window; None where it is suppressed."""
        low = None if devices is None else round(devices * 0.8)
        high = None if devices is None else round(devices * 1.2)
        when = self._when(COUNTER)
        return self.hear(FootfallFact(place="square", devices=devices, low=low, high=high, **when))

    def health(
        self, word: str, sensor: str = "smoke", source: str = NODE_A, *, age_s: float = 0
    ) -> list[dict[str, Any]]:
        """A sensor's health word."""
        when = self._when(source, age_s)
        return self.hear(HealthFact(place="market", sensor=sensor, health=word, **when))

    def silence(self, source: str = NODE_A) -> list[dict[str, Any]]:
        """A source that missed its heartbeats for 90 s."""
        when = self._when(source)
        return self.hear(Silence(place="market", since_ms=self.now_ms - 90_000, **when))

    def heard(self, source: str = NODE_A, *, age_s: float = 0) -> list[dict[str, Any]]:
        """A sign of life."""
        return self.hear(Heard(place="market", **self._when(source, age_s)))

    def mode(self, mode: str, source: str = NODE_A) -> list[dict[str, Any]]:
        """What a node's status says of its mode."""
        return self.hear(NodeMode(place="market", mode=mode, **self._when(source)))

    def power(self, word: str, source: str = NODE_A, *, age_s: float = 0) -> list[dict[str, Any]]:
        """What a node says of its supply."""
        return self.hear(PowerFact(place="market", word=word, **self._when(source, age_s)))

    def acknowledge(self, alarm_id: str) -> list[dict[str, Any]]:
        """The centre's acknowledgement."""
        now_ms = self.now_ms
        fact = AckAlarm(alarm_id=alarm_id, by="trực ban 1", at_ms=now_ms, received_ms=now_ms)
        return self.hear(fact)

    def _when(self, source: str, age_s: float = 0) -> dict[str, Any]:
        at_ms = self.now_ms - round(age_s * 1000)
        return {"source": source, "at_ms": at_ms, "received_ms": self.now_ms}

    def _store(self, outcome: Outcome) -> list[dict[str, Any]]:
        for key, state in outcome.states.items():
            if state is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = json.dumps(state)
        self.revisions += outcome.revisions
        return [json.loads(revision.document) for revision in outcome.revisions]


def brief(documents: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """State, severity and certainty of each document."""
    return [(d["state"], d["severity"], d["certainty"]) for d in documents]
