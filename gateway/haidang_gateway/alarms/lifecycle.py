"""From a finding or a person's act to a revision: what is news, what is over, what stays quiet."""

from zoneinfo import ZoneInfo

from haidang_gateway import text
from haidang_gateway.alarms.document import (
    Alarm,
    Evidence,
    Finding,
    Scene,
    acted,
    blank,
    closed,
    found,
    iso,
    written,
)
from haidang_gateway.model import Revision

# An alarm that opens again and again is known by the times of the last hour (EEMUA 191: ten
# alarms in ten minutes are a flood; ISA-18.2: an alarm that repeats is a chattering one).
REMEMBERED_MS = 3_600_000
_REMEMBERED = 8
_SEVERITIES = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")


def is_open(alarm: Alarm | None) -> bool:
    """True for an alarm that is neither cleared nor dismissed."""
    return alarm is not None and alarm["document"]["state"] in ("suspected", "confirmed")


def state_of(alarm: Alarm | None) -> str | None:
    """State word of an open alarm, otherwise None."""
    return alarm["document"]["state"] if alarm is not None and is_open(alarm) else None


def is_acknowledged(alarm: Alarm | None) -> bool:
    """True where a person acknowledged this alarm."""
    return alarm is not None and alarm["ack"] is not None


def acknowledge(alarm: Alarm, by: str, at_ms: int, zone: ZoneInfo) -> Alarm:
    """The alarm with a person's acknowledgement; the first one stands."""
    if alarm["ack"] is not None:
        return alarm
    return {**alarm, "ack": {"by": by, "at": iso(at_ms, zone)}}


def shelve(alarm: Alarm, by: str, until_ms: int, zone: ZoneInfo) -> Alarm:
    """The alarm, put aside until `until_ms`: what happens to it is told then."""
    return {**alarm, "shelved": {"by": by, "until": iso(until_ms, zone)}}


def unshelve(alarm: Alarm) -> Alarm:
    """The alarm as it is heard again."""
    return {**alarm, "shelved": None}


def dismiss(alarm: Alarm, by: str, at_ms: int, scene: Scene) -> tuple[Alarm, Revision]:
    """The end of an alarm that a person found to be false; an open one.

    Each source that raised it is waived until it comes to rest; only another source, a higher
    severity, another fault, or what was a forecast and is here, opens a new alarm before.
    """
    alarm = acknowledge(alarm, by, at_ms, scene.zone)
    headline = text.dismissed_headline(alarm["document"])
    done, revision = written(
        alarm, closed(alarm, "dismissed", headline, at_ms, scene), scene.decided_ms
    )
    waived = {"severity": done["document"]["severity"], "sources": done["sources"]}
    waived |= {"forecast": done.get("forecast", False), "grade": done["signature"][-1]}
    return {**done, "waived": waived, "shelved": None}, revision


def end(alarm: Alarm, at_ms: int, scene: Scene) -> tuple[Alarm, Revision]:
    """The end of an exercise's open alarm, with the exercise."""
    headline = text.exercise_over_headline(alarm["document"])
    return written(alarm, closed(alarm, "cleared", headline, at_ms, scene), scene.decided_ms)


def source_of(item: Evidence) -> str:
    """How an alarm names a source."""
    return f"{item['source']} {item['kind']}"


def openings(alarm: Alarm | None, at_ms: int) -> list[int]:
    """When this key's alarm opened during the hour before `at_ms`."""
    times = alarm.get("opened", []) if alarm is not None else []
    return [time for time in times if at_ms - time < REMEMBERED_MS]


def revise(
    alarm: Alarm | None, finding: Finding | None, scene: Scene
) -> tuple[Alarm, Revision] | None:
    """The next revision of this alarm or the first of a new one; None if nothing is new.

    New is: another state, severity, urgency, certainty or grade, a source or a person's act that
    the last revision did not have. Changed values alone are telemetry, not a revision.
    """
    if alarm is not None and not is_open(alarm) and finding is not None and _opens(finding):
        if _is_waived(alarm, finding):
            finding = None
        else:
            return _open(openings(alarm, scene.decided_ms), finding, scene)
    if alarm is None:
        return _open([], finding, scene) if finding and _opens(finding) else None
    if finding is not None and not _is_shelved(alarm) and _is_news(alarm, finding):
        return _write(alarm, finding, scene)
    if _was_acted_on(alarm):
        return written(alarm, acted(alarm, scene), scene.decided_ms)
    return None


def _open(opened: list[int], finding: Finding, scene: Scene) -> tuple[Alarm, Revision]:
    times = [*opened, scene.decided_ms][-_REMEMBERED:]
    return _write(blank(scene, times), finding, scene)


def _opens(finding: Finding) -> bool:
    return finding.state in ("suspected", "confirmed")


def _is_waived(alarm: Alarm, finding: Finding) -> bool:
    waived = alarm.get("waived")
    if not waived:
        return False
    worse = _SEVERITIES.index(finding.severity) > _SEVERITIES.index(waived["severity"])
    is_here = waived.get("forecast", False) and not finding.is_forecast
    # A sensor that was noisy and is blind has another fault: that is no word of the same kind.
    other = finding.hazard == "device" and finding.grade != waived.get("grade", finding.grade)
    known = {*waived["sources"], *waived.get("quiet", ())}
    return not (worse or is_here or other) and set(_sources(finding)) <= known


def _is_shelved(alarm: Alarm) -> bool:
    # The revision that tells of the shelving itself is still to be written.
    return bool(alarm.get("shelved"))


def _was_acted_on(alarm: Alarm) -> bool:
    document = alarm["document"]
    shelved = alarm.get("shelved") or None
    return bool(alarm["ack"] != document["ack"] or shelved != document.get("shelved"))


def _is_news(alarm: Alarm, finding: Finding) -> bool:
    if _was_acted_on(alarm):
        return True
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
    return [source_of(item) for item in finding.evidence]


def _write(alarm: Alarm, finding: Finding, scene: Scene) -> tuple[Alarm, Revision]:
    document = found(alarm, finding, scene)
    known = {
        **alarm,
        "first": alarm["first"] or list(finding.evidence),
        "signature": _signature(finding),
        "forecast": finding.is_forecast,
        "sources": sorted({*alarm["sources"], *_sources(finding)}),
    }
    return written(known, document, scene.decided_ms)
