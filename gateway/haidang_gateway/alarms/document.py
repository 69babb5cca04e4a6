"""The alarm document of the contract: a finding and its alarm so far, as exact bytes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from haidang_wire import messages

from haidang_gateway.model import Revision
from haidang_gateway.site import Place

State = dict[str, Any]
Alarm = dict[str, Any]
Evidence = dict[str, Any]

# A revision stays well below the centre's packet limit (8 KiB) with this many items.
EVIDENCE_LIMIT = 16
ACTUAL = "Actual"
EXERCISE = "Exercise"
# The wire contract's limit.
_HEADLINE_LENGTH = 200
_MARKS = {"vi": "DIỄN TẬP: ", "en": "EXERCISE: "}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule holds true now. `grade` is any further word whose change deserves a revision.

    `onset_ms` and `updated_ms` are source times (Unix ms); `evidence` items are complete.
    `is_forecast`: nothing is here yet.
    """

    hazard: str
    place: Place
    state: str
    severity: str
    urgency: str
    certainty: str
    grade: str
    onset_ms: int
    updated_ms: int
    evidence: tuple[Evidence, ...]
    headline: Mapping[str, str]
    is_forecast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a revision needs besides the finding: its place's sight, its number, its time."""

    health: Callable[[], dict[str, str]]
    zone: ZoneInfo
    new_id: Callable[[], str]
    decided_ms: int
    status: str = ACTUAL


def iso(at_ms: int, zone: ZoneInfo) -> str:
    """Unix ms as ISO 8601 with milliseconds and the offset of `zone`, from integers."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.astimezone(zone).isoformat(timespec="milliseconds")


def revision_of(alarm: Alarm) -> Revision:
    """The alarm's last revision once more; its time of decision is not kept here (0)."""
    data = messages.encode("alarm", alarm["document"])
    return Revision(
        alarm_id=alarm["document"]["id"],
        rev=alarm["document"]["rev"],
        document=data,
        sha256=alarm["sha256"],
        decided_ms=0,
    )


def blank(scene: Scene, opened: list[int]) -> Alarm:
    """An alarm before its first revision; `opened` are the times at which its key opened."""
    return {
        "document": {"v": 1, "id": scene.new_id(), "rev": 0, "status": scene.status, "ack": None},
        "sha256": None,
        "signature": [],
        "sources": [],
        "first": [],
        "ack": None,
        "opened": opened,
    }


def found(alarm: Alarm, finding: Finding, scene: Scene) -> dict[str, Any]:
    """The next document for what a rule found, in the contract's order."""
    last = alarm["document"]
    cleared = finding.state in ("cleared", "dismissed")
    # A timer that was pulled in after a lost wall clock carries a time still to come.
    updated = iso(min(finding.updated_ms, scene.decided_ms), scene.zone)
    first = alarm["first"] or list(finding.evidence)
    return {
        **_head(alarm),
        "hazard": finding.hazard,
        "state": finding.state,
        "ack": alarm["ack"],
        "severity": finding.severity,
        "urgency": finding.urgency,
        "certainty": finding.certainty,
        "place": last.get("place") or _place(finding.place),
        "onset": last.get("onset") or iso(finding.onset_ms, scene.zone),
        "updated": updated,
        "cleared": updated if cleared else None,
        "evidence": _bounded(first, finding.evidence),
        "health": scene.health(),
        "headline": _headline(finding.headline, scene.status),
        **_shelf(alarm),
    }


def acted(alarm: Alarm, scene: Scene) -> dict[str, Any]:
    """The next document after a person's act alone: only the head changes."""
    last = alarm["document"]
    fresh = alarm["ack"] is not None and alarm["ack"] != last["ack"]
    updated = alarm["ack"]["at"] if fresh else iso(scene.decided_ms, scene.zone)
    document = {**last, **_head(alarm), "ack": alarm["ack"], "updated": updated}
    document.pop("shelved", None)
    return document | _shelf(alarm)


def closed(
    alarm: Alarm, word: str, headline: Mapping[str, str], at_ms: int, scene: Scene
) -> dict[str, Any]:
    """The last document of an alarm that a person, or the end of an exercise, closes."""
    at = iso(at_ms, scene.zone)
    document = {
        **alarm["document"],
        **_head(alarm),
        "state": word,
        "ack": alarm["ack"],
        "urgency": "Past",
        "updated": at,
        "cleared": at,
        "headline": _headline(headline, alarm["document"]["status"]),
    }
    document.pop("shelved", None)
    return document


def written(alarm: Alarm, document: dict[str, Any], decided_ms: int) -> tuple[Alarm, Revision]:
    """The alarm with its next revision, chained to the one before by the hash of its bytes."""
    data = messages.encode("alarm", document)
    sha256 = hashlib.sha256(data).hexdigest()
    revision = Revision(
        alarm_id=document["id"],
        rev=document["rev"],
        document=data,
        sha256=sha256,
        decided_ms=decided_ms,
    )
    return {**alarm, "document": document, "sha256": sha256}, revision


def _head(alarm: Alarm) -> dict[str, Any]:
    last = alarm["document"]
    return {
        "v": 1,
        "id": last["id"],
        "rev": last["rev"] + 1,
        "prev": f"sha256:{alarm['sha256']}" if alarm["sha256"] else None,
        "status": last["status"],
    }


def _shelf(alarm: Alarm) -> dict[str, Any]:
    shelved = alarm.get("shelved")
    return {"shelved": shelved} if shelved else {}


def _headline(headline: Mapping[str, str], status: str) -> dict[str, str]:
    if status != EXERCISE:
        return dict(headline)
    marked = {tongue: _MARKS[tongue] + sentence for tongue, sentence in headline.items()}
    return {tongue: sentence[:_HEADLINE_LENGTH] for tongue, sentence in marked.items()}


def _bounded(first: list[Evidence], latest: tuple[Evidence, ...]) -> list[Evidence]:
    """The evidence that opened the alarm, then the newest of each source, at most the limit."""
    kept = first[: EVIDENCE_LIMIT // 2]
    later = sorted((item for item in latest if item not in kept), key=_time)
    return kept + later[-(EVIDENCE_LIMIT - len(kept)) :]


def _time(item: Evidence) -> str:
    return str(item["time"])


def _place(place: Place) -> dict[str, Any]:
    return {
        "id": place.id,
        "name": place.name,
        "name_en": place.name_en,
        "lat": place.lat,
        "lon": place.lon,
        "radius_m": place.radius_m,
    }
