"""The flood hazard of one gauge: levels, rising water, the gauges above it and what agrees.

Up at once, down when held. A gauge's own levels are judged here, forecasts in `forecast.py`.
"""

from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import text_flood
from haidang_gateway.alarms import forecast, levels
from haidang_gateway.alarms.document import Evidence, Finding, State, iso
from haidang_gateway.alarms.lifecycle import source_of, state_of
from haidang_gateway.model import Fact, FloodFact
from haidang_gateway.site import Edition, Site

_NAMES = ("watch", "warning", "danger")
_STATE_RANKS = {"normal": 0, "watch": 1, "warning": 2, "danger": 3}
# CAP 1.2: báo động I is a possible, II a significant, III an extraordinary threat.
_SEVERITIES = ("Moderate", "Severe", "Extreme")
_CERTAINTIES = ("Possible", "Likely", "Observed")
_NO_LEVELS = Edition(levels=())


def judge(state: State, fact: Fact, site: Site, now_ms: int) -> tuple[State, Finding | None]:
    """The gauge's flood state after `fact` and what it means; timers come as Due facts."""
    verify_ms = round(site.flood_verify_s * 1000)
    heard = _take(state, fact, site, now_ms, verify_ms)
    if heard is None:
        return state, None
    if heard.get("stale") or not ("track" in heard or "up" in heard):
        return heard, None
    track = heard.get("track") or levels.new_track(len(_NAMES), fact.at_ms)
    track = levels.settle(track, fact.at_ms, 0, verify_ms)
    after = forecast.settled({**heard, "track": track}, fact.at_ms, verify_ms)
    finding = _find(after, fact, site)
    after["calm"] = levels.is_idle(track) and not forecast.is_coming(after)
    return after | _timer(after, finding, verify_ms), finding


def active(state: State) -> set[str]:
    """This gauge while its water is high or rises, and those above that are high, as an alarm
    names them.
    """
    is_quiet = levels.is_idle(state["track"]) and not forecast.is_stirring(state)
    own = set() if is_quiet else {f"{state['source']} flood"}
    return own | {source_of(item) for item in forecast.above(state)}


def edition_of(site: Site, source: str, at_ms: int) -> Edition:
    """The levels in force at `at_ms`; without any for a gauge that has none."""
    editions = [e for e in site.gauges.get(source, ()) if e.from_ms <= at_ms]
    return max(editions, key=lambda e: e.from_ms) if editions else _NO_LEVELS


def _take(state: State, fact: Fact, site: Site, now_ms: int, verify_ms: int) -> State | None:
    """The state with the fact taken in; None where it says nothing new.

    Words of others near by change nothing here: what they measured comes with the state.
    """
    if not isinstance(fact, FloodFact):
        return state
    if fact.source == state["source"]:
        return _hear(state, fact, site, now_ms, verify_ms)
    downstream = site.rivers.get(fact.source)
    if downstream is None or downstream.source != state["source"]:
        return state
    return forecast.hear_above(
        state,
        fact,
        _evidence(fact, ZoneInfo(site.timezone)),
        now_ms,
        rank_of=lambda was: _rank(fact, site, was),
        travel_ms=round(downstream.travel_s * 1000),
    )


def _hear(state: State, fact: FloodFact, site: Site, now_ms: int, verify_ms: int) -> State | None:
    """The state with this gauge's reading taken in; None where it says nothing new."""
    was = state.get("track") or levels.new_track(len(_NAMES), fact.at_ms)
    rank = _rank(fact, site, levels.momentary_rank(was))
    if rank is None or levels.is_overtaken(fact.at_ms, state.get("at_ms"), now_ms):
        return None
    to_next_s = forecast.to_next_s(fact, edition_of(site, fact.source, fact.at_ms), rank)
    soon = to_next_s is not None and to_next_s <= site.flood_lead_s
    quiet = rank == 0 and levels.is_idle(was) and not state.get("stale")
    if quiet and not (soon or forecast.is_stirring(state)):
        return None
    heard = {
        **state,
        "track": levels.mark(was, rank, fact.at_ms),
        "at_ms": fact.at_ms,
        "stale": levels.is_stale(fact.at_ms, now_ms),
        "level_mm": fact.level_mm if fact.level_mm is not None else state.get("level_mm"),
        "evidence": _evidence(fact, ZoneInfo(site.timezone)),
    }
    if rank and not levels.momentary_rank(was):
        heard["verify_until_ms"] = levels.window_end_ms(fact.at_ms, verify_ms, now_ms)
    return forecast.hear_rise(heard, fact, to_next_s, soon=soon)


def _rank(fact: FloodFact, site: Site, was: int) -> int | None:
    """Rank 0..3 by the gauge's levels, else by the node's word; None without a reading."""
    gauge = edition_of(site, fact.source, fact.at_ms).levels
    if not gauge or fact.level_mm is None:
        return _STATE_RANKS.get(fact.state or "")
    by_rank = {_NAMES.index(level.name): level.mm for level in gauge}
    steps = [(by_rank.get(rank, inf), site.level_hysteresis_mm) for rank in range(len(_NAMES))]
    return levels.rank_of(fact.level_mm, steps, was)


def _evidence(fact: FloodFact, zone: ZoneInfo) -> Evidence:
    item: Evidence = {"source": fact.source, "kind": "flood"}
    time = iso(fact.at_ms, zone)
    if fact.level_mm is None:
        return item | {"name": "flood/state", "value": fact.state, "time": time}
    return item | {"name": "flood/level", "value": fact.level_mm, "unit": "mm", "time": time}


def _find(state: State, fact: Fact, site: Site) -> Finding | None:
    rank, was = state["track"]["rank"], state_of(state.get("alarm"))
    document = state["alarm"]["document"] if was else {}
    if rank:
        return _flood(state, fact, site, document)
    coming = forecast.is_coming(state)
    if was is None and not coming:
        return None
    severity = document.get("severity", _SEVERITIES[0])
    place = site.places[state["place"]]
    edition = edition_of(site, state["source"], fact.at_ms)
    return Finding(
        hazard="flood",
        place=place,
        state=(was or "suspected") if coming else "cleared",
        severity=severity,
        urgency=forecast.urgency(state) if coming else "Past",
        certainty=document.get("certainty", _CERTAINTIES[0]),
        grade=forecast.grade(state),
        onset_ms=forecast.since_ms(state, fact.at_ms),
        updated_ms=fact.at_ms,
        evidence=forecast.evidence(state),
        headline=forecast.headline(state, place, site, edition)
        if coming
        else text_flood.flood_over_headline(place, state.get("level_mm")),
        is_forecast=coming,
    )


def _flood(state: State, fact: Fact, site: Site, document: dict[str, Any]) -> Finding:
    track, was = state["track"], document.get("state")
    agreeing = state.get("near", ())
    held = bool(track["marks"][0][0] and fact.at_ms >= state["verify_until_ms"])
    confirmed = was == "confirmed" or held or bool(agreeing)
    found = "Observed" if agreeing else ("Likely" if confirmed else "Possible")
    name = _NAMES[track["rank"] - 1]
    edition = edition_of(site, state["source"], fact.at_ms)
    rising = forecast.is_rising(state)
    return Finding(
        hazard="flood",
        place=site.places[state["place"]],
        state="confirmed" if confirmed else "suspected",
        severity=_severity(track["rank"], edition),
        urgency="Immediate" if track["rank"] > 1 or rising else "Expected",
        certainty=max(found, document.get("certainty", found), key=_CERTAINTIES.index),
        grade=f"{name} rising" if rising else name,
        onset_ms=track["marks"][0][1] if track["marks"][0][0] else fact.at_ms,
        updated_ms=fact.at_ms,
        evidence=(*forecast.evidence(state), *agreeing),
        headline=text_flood.flood_headline(
            site.places[state["place"]],
            name,
            state["level_mm"],
            official=bool(edition.document),
            to_next_s=state["to_next_s"] if rising else None,
        ),
    )


def _severity(rank: int, edition: Edition) -> str:
    for level in edition.levels:
        if level.name == _NAMES[rank - 1]:
            return level.severity
    return _SEVERITIES[rank - 1]


def _timer(state: State, finding: Finding | None, verify_ms: int) -> State:
    waits = forecast.waits(state, verify_ms)
    change_ms = levels.next_change_ms(state["track"], 0, verify_ms)
    if change_ms is not None:
        waits.append((change_ms, verify_ms))
    if finding is not None and finding.state == "suspected" and state["track"]["marks"][0][0]:
        waits.append((state["verify_until_ms"], verify_ms))
    due_ms, window_ms = min(waits, default=(None, verify_ms))
    return {"due_ms": due_ms, "window_ms": window_ms}
