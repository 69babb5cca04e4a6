"""The flood hazard of one gauge: official levels or the node's own, up at once, down when held."""

from math import inf
from zoneinfo import ZoneInfo

from haidang_gateway import text
from haidang_gateway.alarms import levels
from haidang_gateway.alarms.lifecycle import Evidence, Finding, State, iso, state_of
from haidang_gateway.model import Fact, FloodFact
from haidang_gateway.site import Level, Site

_NAMES = ("watch", "warning", "danger")
_STATE_RANKS = {"normal": 0, "watch": 1, "warning": 2, "danger": 3}
# CAP 1.2: báo động I is a possible, II a significant, III an extraordinary threat.
_SEVERITIES = ("Moderate", "Severe", "Extreme")


def judge(state: State, fact: Fact, site: Site, now_ms: int) -> tuple[State, Finding | None]:
    """The gauge's flood state after `fact` and what it means; timers come as Due facts."""
    verify_ms = round(site.flood_verify_s * 1000)
    if isinstance(fact, FloodFact):
        heard = _hear(state, fact, site, now_ms, verify_ms)
        if heard is None:
            return state, None
        state = heard
    if "track" not in state or state["stale"]:
        return state, None
    track = levels.settle(state["track"], fact.at_ms, 0, verify_ms)
    after = {**state, "track": track}
    finding = _find(after, fact, site)
    return after | _timer(after, finding, verify_ms), finding


def _hear(state: State, fact: FloodFact, site: Site, now_ms: int, verify_ms: int) -> State | None:
    """The state with the reading taken in; None where it says nothing new."""
    was = state.get("track") or levels.new_track(len(_NAMES), fact.at_ms)
    rank = _rank(fact, site, levels.momentary_rank(was))
    if rank is None or levels.is_overtaken(fact.at_ms, state.get("at_ms"), now_ms):
        return None
    if rank == 0 and levels.is_idle(was) and not state.get("stale"):
        return None
    track = levels.mark(was, rank, fact.at_ms)
    heard = {
        **state,
        "track": track,
        "at_ms": fact.at_ms,
        "stale": levels.is_stale(fact.at_ms, now_ms),
        "level_mm": fact.level_mm if fact.level_mm is not None else state.get("level_mm"),
        "evidence": _evidence(fact, ZoneInfo(site.timezone)),
    }
    if rank and not levels.momentary_rank(was):
        heard["verify_until_ms"] = levels.window_end_ms(fact.at_ms, verify_ms, now_ms)
    return heard


def _rank(fact: FloodFact, site: Site, was: int) -> int | None:
    """Rank 0..3 by the gauge's levels, else by the node's word; None without a reading."""
    gauge = _gauge(site, fact.source, fact.at_ms)
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
    track, alarm = state["track"], state.get("alarm")
    rank, was = track["rank"], state_of(alarm)
    if was is None and rank == 0:
        return None
    confirmed = was == "confirmed" or _has_held(track, state, fact.at_ms)
    document = alarm["document"] if alarm is not None and was else {}
    word = "cleared" if rank == 0 else ("confirmed" if confirmed else "suspected")
    gauge = _gauge(site, state["source"], fact.at_ms)
    name = _NAMES[rank - 1] if rank else None
    severity = _severity(rank, gauge) if rank else document["severity"]
    certainty = "Likely" if confirmed else "Possible"
    return Finding(
        hazard="flood",
        place=site.places[state["place"]],
        state=word,
        severity=severity,
        urgency="Past" if rank == 0 else ("Immediate" if rank > 1 else "Expected"),
        certainty=certainty,
        grade=name or "",
        onset_ms=track["marks"][0][1] if track["marks"][0][0] else fact.at_ms,
        updated_ms=fact.at_ms,
        evidence=(state["evidence"],),
        headline=text.flood_headline(
            site.places[state["place"]],
            name,
            state["level_mm"],
            official=bool(gauge),
            cleared=word == "cleared",
        ),
    )


def _gauge(site: Site, source: str, at_ms: int) -> tuple[Level, ...]:
    """The levels in force at `at_ms`, empty for a gauge without any."""
    editions = [e for e in site.gauges.get(source, ()) if e.from_ms <= at_ms]
    return max(editions, key=lambda e: e.from_ms).levels if editions else ()


def _severity(rank: int, gauge: tuple[Level, ...]) -> str:
    for level in gauge:
        if level.name == _NAMES[rank - 1]:
            return level.severity
    return _SEVERITIES[rank - 1]


def _has_held(track: levels.Track, state: State, at_ms: int) -> bool:
    return bool(track["marks"][0][0] and at_ms >= state["verify_until_ms"])


def _timer(state: State, finding: Finding | None, verify_ms: int) -> State:
    due_ms = levels.next_change_ms(state["track"], 0, verify_ms)
    if finding is not None and finding.state == "suspected" and state["track"]["marks"][0][0]:
        due_ms = min(due_ms or state["verify_until_ms"], state["verify_until_ms"])
    return {"due_ms": due_ms, "window_ms": verify_ms}
