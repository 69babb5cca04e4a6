"""From a finding to a revision: what is news, in exact bytes, each chained to the one before."""

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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule holds true now. `grade` is any further word whose change deserves a revision.

    `onset_ms` and `updated_ms` are source times (Unix ms); `evidence` items are complete.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a revision needs besides the finding: its place's sight, its number, its time."""

    health: Callable[[], dict[str, str]]
    zone: ZoneInfo
    new_id: Callable[[], str]
    decided_ms: int


def iso(at_ms: int, zone: ZoneInfo) -> str:
    """Unix ms as ISO 8601 with milliseconds and the offset of `zone`, from integers."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.astimezone(zone).isoformat(timespec="milliseconds")


def is_open(alarm: Alarm | None) -> bool:
    """True for an alarm that is neither cleared nor dismissed."""
    return alarm is not None and alarm["document"]["state"] in ("suspected", "confirmed")


def state_of(alarm: Alarm | None) -> str | None:
    """State word of an open alarm, otherwise None."""
    return alarm["document"]["state"] if alarm is not None and is_open(alarm) else None


def is_acknowledged(alarm: Alarm | None) -> bool:
    """True where the centre acknowledged this alarm."""
    return alarm is not None and alarm["ack"] is not None


def acknowledge(alarm: Alarm, by: str, at_ms: int, zone: ZoneInfo) -> Alarm:
    """The alarm with the centre's acknowledgement; the first one stands."""
    if alarm["ack"] is not None:
        return alarm
    return {**alarm, "ack": {"by": by, "at": iso(at_ms, zone)}}


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


def revise(
    alarm: Alarm | None, finding: Finding | None, scene: Scene
) -> tuple[Alarm, Revision] | None:
    """The next revision of this alarm or the first of a new one; None if nothing is new.

    New is: another state, severity, urgency, certainty or grade, a source or an acknowledgement
    that the last revision did not have. Changed values alone are telemetry, not a revision.
    """
    if alarm is not None and not is_open(alarm) and _opens(finding):
        alarm = None
    if alarm is None:
        return _write(_blank(scene), finding, scene) if finding and _opens(finding) else None
    return _write(alarm, finding, scene) if _is_news(alarm, finding) else None


def _opens(finding: Finding | None) -> bool:
    return finding is not None and finding.state in ("suspected", "confirmed")


def _is_news(alarm: Alarm, finding: Finding | None) -> bool:
    if alarm["ack"] != alarm["document"]["ack"]:
        return True
    if finding is None:
        return False
    fresh = set(_sources(finding)) - set(alarm["sources"])
    return bool(fresh) or _signature(finding) != alarm["signature"]


def _signature(finding: Finding) -> list[str]:
    return [
        finding.state,
        finding.severity,
        finding.urgency,
        finding.certainty,
        finding.grade,
    ]


def _sources(finding: Finding) -> list[str]:
    return [f"{item['source']} {item['kind']}" for item in finding.evidence]


def _blank(scene: Scene) -> Alarm:
    return {
        "document": {"v": 1, "id": scene.new_id(), "rev": 0, "status": "Actual", "ack": None},
        "sha256": None,
        "signature": [],
        "sources": [],
        "first": [],
        "ack": None,
    }


def _write(alarm: Alarm, finding: Finding | None, scene: Scene) -> tuple[Alarm, Revision]:
    first = alarm["first"] or (list(finding.evidence) if finding else [])
    document = _document(alarm, finding, scene, first)
    data = messages.encode("alarm", document)
    sha256 = hashlib.sha256(data).hexdigest()
    written = {
        **alarm,
        "document": document,
        "sha256": sha256,
        "first": first,
        "signature": _signature(finding) if finding else alarm["signature"],
        "sources": sorted({*alarm["sources"], *(_sources(finding) if finding else [])}),
    }
    return written, Revision(
        alarm_id=document["id"],
        rev=document["rev"],
        document=data,
        sha256=sha256,
        decided_ms=scene.decided_ms,
    )


def _document(
    alarm: Alarm, finding: Finding | None, scene: Scene, first: list[Evidence]
) -> dict[str, Any]:
    """The document in the contract's order; without a finding only the head changes."""
    last = alarm["document"]
    head = {
        "v": 1,
        "id": last["id"],
        "rev": last["rev"] + 1,
        "prev": f"sha256:{alarm['sha256']}" if alarm["sha256"] else None,
        "status": last["status"],
    }
    if finding is None:
        ack = alarm["ack"]
        return {**last, **head, "ack": ack, "updated": ack["at"]}
    cleared = finding.state in ("cleared", "dismissed")
    # A timer that was pulled in after a lost wall clock carries a time still to come.
    updated = iso(min(finding.updated_ms, scene.decided_ms), scene.zone)
    return {
        **head,
        "hazard": finding.hazard,
        "state": finding.state,
        "ack": alarm["ack"],
        "severity": finding.severity,
        "urgency": finding.urgency,
        "certainty": finding.certainty,
        "place": last.get("place") or _place_document(finding.place),
        "onset": last.get("onset") or iso(finding.onset_ms, scene.zone),
        "updated": updated,
        "cleared": updated if cleared else None,
        "evidence": _bounded(first, finding.evidence),
        "health": scene.health(),
        "headline": dict(finding.headline),
    }


def _bounded(first: list[Evidence], latest: tuple[Evidence, ...]) -> list[Evidence]:
    """The evidence that opened the alarm, then the newest of each source, at most the limit."""
    kept = first[: EVIDENCE_LIMIT // 2]
    later = sorted((item for item in latest if item not in kept), key=_time)
    return kept + later[-(EVIDENCE_LIMIT - len(kept)) :]


def _time(item: Evidence) -> str:
    return str(item["time"])


def _place_document(place: Place) -> dict[str, Any]:
    return {
        "id": place.id,
        "name": place.name,
        "name_en": place.name_en,
        "lat": place.lat,
        "lon": place.lon,
        "radius_m": place.radius_m,
    }
