"""Floods and crowds that people report at a place: one is a hint, two or a sensor confirm it."""

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import text
from haidang_gateway.alarms import levels
from haidang_gateway.alarms.document import Evidence, Finding, State, iso
from haidang_gateway.alarms.lifecycle import state_of
from haidang_gateway.model import Fact, Report
from haidang_gateway.site import Site

_WORDS_LENGTH = 200


def report_evidence(fact: Report, zone: ZoneInfo) -> Evidence:
    """A report as an item of evidence."""
    item: Evidence = {"source": fact.source, "kind": "report", "name": "report/text"}
    return item | {"value": fact.words[:_WORDS_LENGTH], "time": iso(fact.at_ms, zone)}


def judge(state: State, fact: Fact, site: Site, now_ms: int) -> tuple[State, Finding | None]:
    """What people told of one hazard at one place, after `fact`; timers come as Due facts."""
    people: dict[str, Any] = dict(state.get("people", {}))
    if isinstance(fact, Report):
        last = people.get(fact.source)
        if last and fact.at_ms <= last["at_ms"] <= now_ms:
            return state, None
        if levels.is_stale(fact.at_ms, now_ms):
            return state, None
        evidence = report_evidence(fact, ZoneInfo(site.timezone))
        people[fact.source] = {"at_ms": fact.at_ms, "evidence": evidence}
    hold_ms = round(site.report_hold_s * 1000)
    people = {who: note for who, note in people.items() if fact.at_ms - note["at_ms"] < hold_ms}
    after = {**state, "people": people, "calm": not people}
    ends = [note["at_ms"] + hold_ms for note in people.values()]
    after |= {"due_ms": min(ends, default=None), "window_ms": hold_ms}
    return after, _find(state, people, fact, site)


def _find(state: State, people: dict[str, Any], fact: Fact, site: Site) -> Finding | None:
    alarm = state.get("alarm")
    was = state_of(alarm)
    if was is None and not people:
        return None
    document = alarm["document"] if alarm is not None and was else {}
    together = was == "confirmed" or _agree(people, round(site.fusion_window_s * 1000))
    word = ("confirmed" if together else "suspected") if people else "cleared"
    place = site.places[state["place"]]
    return Finding(
        hazard=state["hazard"],
        place=place,
        state=word,
        severity="Moderate",
        urgency="Immediate" if people else "Past",
        certainty="Observed" if together else document.get("certainty", "Possible"),
        grade="",
        onset_ms=min((note["at_ms"] for note in people.values()), default=fact.at_ms),
        updated_ms=fact.at_ms,
        evidence=tuple(note["evidence"] for note in people.values()),
        headline=text.report_headline(place, state["hazard"], word),
    )


def _agree(people: dict[str, Any], window_ms: int) -> bool:
    """Two people within the window: then one of them has a neighbour in time."""
    times = sorted(note["at_ms"] for note in people.values())
    return any(later - earlier <= window_ms for earlier, later in pairwise(times))
