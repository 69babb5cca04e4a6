"""The crowd hazard of one zone: density or head count held above a level; footfall agrees."""

from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import text
from haidang_gateway.alarms import calibration, levels, trend
from haidang_gateway.alarms.document import Evidence, Finding, State, iso
from haidang_gateway.alarms.lifecycle import state_of
from haidang_gateway.model import CrowdSeen, Fact, FootfallFact
from haidang_gateway.site import CrowdZone, Site

_NAMES = ("watch", "warning", "danger")
_SEVERITIES = ("Moderate", "Severe", "Extreme")
# Cameras count every few seconds; after a longer gap a level must be seen to hold anew.
_GAP_MS = 60_000


def judge(state: State, fact: Fact, site: Site, now_ms: int) -> tuple[State, Finding | None]:
    """The zone's crowd state after `fact` and what it means.

    Only a new picture moves the level: a camera that went blind neither raises nor clears.
    """
    zone = site.zones[state["zone"]]
    heard: State | None = state
    if isinstance(fact, CrowdSeen):
        heard = _see(state, fact, zone, site, now_ms)
    elif isinstance(fact, FootfallFact):
        heard = _note(state, fact, ZoneInfo(site.timezone), now_ms)
    if heard is None or "track" not in heard:
        return state if heard is None else heard, None
    heard = {**heard, "calm": levels.is_idle(heard["track"])}
    return heard, _find(heard, fact, zone, site)


def _see(state: State, fact: CrowdSeen, zone: CrowdZone, site: Site, now_ms: int) -> State | None:
    was = state.get("track") or levels.new_track(len(_NAMES), fact.at_ms)
    if levels.is_overtaken(fact.at_ms, state.get("at_ms"), now_ms):
        return None
    sustain_ms = round(zone.sustain_s * 1000)
    if abs(fact.at_ms - state.get("at_ms", fact.at_ms)) > max(2 * sustain_ms, _GAP_MS):
        was = levels.rebase(was, fact.at_ms)
    rank = _rank(fact, zone, site.crowd_hysteresis_pct, levels.momentary_rank(was))
    if rank == 0 and levels.is_idle(was):
        return _sample(state, fact) if zone.footfall_sources else None
    track = levels.mark(was, rank, fact.at_ms)
    if not levels.is_stale(fact.at_ms, now_ms):
        track = levels.settle(track, fact.at_ms, sustain_ms, sustain_ms)
    state = _sample(state, fact) or state
    return {
        **state,
        **trend.followed(state, fact, zone, sustain_ms, round(site.crowd_lead_s * 1000)),
        "track": track,
        "at_ms": fact.at_ms,
        "count": fact.count,
        "low": fact.low,
        "high": fact.high,
        "density_m2": fact.density_m2,
        "evidence": _evidence(fact, ZoneInfo(site.timezone)),
    }


def _sample(state: State, fact: CrowdSeen) -> State | None:
    """The state with a count to calibrate phones by, at most one in half a minute."""
    last = state.get("sample")
    few = fact.count < calibration.LEAST_PEOPLE
    if few or (last and 0 <= fact.at_ms - last["at_ms"] < calibration.TOGETHER_MS // 2):
        return None
    return {**state, "sample": {"at_ms": fact.at_ms, "people": fact.count}}


def _rank(fact: CrowdSeen, zone: CrowdZone, hysteresis_pct: int, was: int) -> int:
    """Rank 0..3 by density; a head count above the zone's limit is rank 1 at least."""
    share = hysteresis_pct / 100
    rank = 0
    if fact.density_m2 is not None:
        steps = [(level, level * share) for level in zone.levels_m2]
        rank = levels.rank_of(fact.density_m2, steps, was)
    if zone.limit_count is not None:
        limit = (zone.limit_count, zone.limit_count * share)
        rank = max(rank, levels.rank_of(fact.count, [limit], was))
    return rank


def _note(state: State, fact: FootfallFact, zone: ZoneInfo, now_ms: int) -> State | None:
    """The state with the newest device count of this source; None where it says nothing new.

    A suppressed count (fewer than 5 devices) agrees with no crowd, so it is not kept.
    """
    last = dict(state.get("footfall", {}))
    seen = last.pop(fact.source, None)
    if levels.is_overtaken(fact.at_ms, seen and seen["at_ms"], now_ms):
        return None
    if fact.devices is None:
        return {**state, "footfall": last} if seen else None
    factors = _taught(state, fact)
    low = fact.devices if fact.low is None else fact.low
    high = fact.devices if fact.high is None else fact.high
    note: dict[str, Any] = {"at_ms": fact.at_ms, "low": 0, "high": high}
    item = {"source": fact.source, "kind": "footfall", "name": "footfall/devices"}
    value = fact.devices
    if calibration.is_learnt(factors.get(fact.source)):
        factor = factors[fact.source]
        note["low"], value, note["high"] = calibration.people_of(factor, low, value, high)
        item["name"] = "footfall/people"
    note["evidence"] = {**item, "value": value, "unit": "count", "time": iso(fact.at_ms, zone)}
    after = {**state, "footfall": {**last, fact.source: note}}
    return after | ({"factors": factors} if factors else {})


def _taught(state: State, fact: FootfallFact) -> dict[str, Any]:
    """The factors of all sources after this window, where the camera counted at the same time."""
    factors: dict[str, Any] = dict(state.get("factors", {}))
    sample, devices = state.get("sample"), fact.devices or 0
    known = factors.get(fact.source)
    if (
        sample
        and devices >= calibration.LEAST_DEVICES
        and abs(fact.at_ms - sample["at_ms"]) <= calibration.TOGETHER_MS
        and (known is None or fact.at_ms != known["at_ms"])
    ):
        learnt = calibration.learn(known, sample["people"], devices)
        factors[fact.source] = {**learnt, "at_ms": fact.at_ms}
    return factors


def _evidence(fact: CrowdSeen, zone: ZoneInfo) -> Evidence:
    item: Evidence = {"source": fact.source, "kind": "crowd"}
    time = iso(fact.at_ms, zone)
    if fact.density_m2 is None:
        return item | {"name": "crowd/count", "value": fact.count, "unit": "count", "time": time}
    return item | {"name": "crowd/density", "value": fact.density_m2, "unit": "1/m2", "time": time}


def _find(state: State, fact: Fact, zone: CrowdZone, site: Site) -> Finding | None:
    track, alarm = state["track"], state.get("alarm")
    rank, was = track["rank"], state_of(alarm)
    if was is None and rank == 0:
        return None
    document = alarm["document"] if alarm is not None and was else {}
    agreeing = _agreeing(state, zone, round(site.fusion_window_s * 1000))
    agreeing += state.get("near", ())
    observed = bool(agreeing) or document.get("certainty") == "Observed"
    name = _NAMES[rank - 1] if rank else None
    growing = bool(rank) and trend.is_growing(state)
    return Finding(
        hazard="crowd",
        place=site.places[zone.place],
        state="confirmed" if rank else "cleared",
        severity=_SEVERITIES[rank - 1] if rank else document["severity"],
        urgency="Immediate" if rank > 1 or growing else ("Expected" if rank else "Past"),
        certainty="Observed" if observed else "Likely",
        grade=f"{name} growing" if growing else (name or ""),
        onset_ms=track["marks"][0][1] if track["marks"][0][0] else fact.at_ms,
        updated_ms=fact.at_ms,
        evidence=(state["evidence"], *agreeing),
        headline=text.crowd_headline(
            site.places[zone.place], name, state["count"], state["density_m2"], growing=growing
        ),
    )


def _agreeing(state: State, zone: CrowdZone, window_ms: int) -> tuple[Evidence, ...]:
    """Device counts near in time whose interval reaches the camera's: a second measurement."""
    notes = state.get("footfall", {})
    return tuple(
        notes[source]["evidence"]
        for source in zone.footfall_sources
        if source in notes
        and abs(notes[source]["at_ms"] - state["at_ms"]) <= window_ms
        and notes[source]["high"] >= state["low"]
        and notes[source]["low"] <= state.get("high", inf)
    )
