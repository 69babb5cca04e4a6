"""Water that will come: a gauge that rises fast, and high water at the gauges above it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import text_flood
from haidang_gateway.alarms import levels
from haidang_gateway.alarms.document import Evidence, State
from haidang_gateway.model import FloodFact
from haidang_gateway.site import Edition, Place, Site

# Rising water pauses between waves; a warning that came and went each minute would be ignored.
RISE_CLEAR_MS = 300_000
# Slower water needs half a day for the first of a street's usual levels.
_LEAST_RATE_MM_H = 10
_HOUR_S = 3600


def to_next_s(fact: FloodFact, edition: Edition, rank: int) -> float | None:
    """Seconds to the next level at the present rate; the node's own where no levels are known."""
    if not edition.levels or fact.level_mm is None:
        return fact.to_next_s
    above = [level.mm - fact.level_mm for level in edition.levels if level.mm > fact.level_mm]
    if fact.rate_mm_h is None or fact.rate_mm_h < _LEAST_RATE_MM_H or not above or rank > 2:
        return None
    return min(above) / fact.rate_mm_h * _HOUR_S


def hear_rise(state: State, fact: FloodFact, seconds: float | None, *, soon: bool) -> State:
    """The state after the gauge's reading: whether the next level will be reached soon."""
    was = state.get("rise") or levels.new_track(1, fact.at_ms)
    news: State = {"rise": levels.mark(was, 1 if soon else 0, fact.at_ms)}
    if soon:
        news |= {"to_next_s": seconds, "rate_mm_h": fact.rate_mm_h}
    return {**state, **news}


def hear_above(
    state: State,
    fact: FloodFact,
    evidence: Evidence,
    now_ms: int,
    *,
    rank_of: Callable[[int], int | None],
    travel_ms: int,
) -> State | None:
    """The state after a word of a gauge upstream; None where it says nothing new."""
    last = state.get("up", {}).get(fact.source)
    was = last["track"] if last else levels.new_track(1, fact.at_ms)
    rank = rank_of(levels.momentary_rank(was))
    if rank is None or levels.is_stale(fact.at_ms, now_ms):
        return None
    if levels.is_overtaken(fact.at_ms, last and last["at_ms"], now_ms):
        return None
    track = levels.mark(was, min(rank, 1), fact.at_ms)
    if track == was and (last or not rank):
        return None
    # What was high upstream passes here for half as long again as it takes to come.
    fall_ms = travel_ms * 3 // 2
    note = {"track": track, "at_ms": fact.at_ms, "fall_ms": fall_ms, "travel_ms": travel_ms}
    note |= {"place": fact.place, "evidence": evidence}
    if rank and not levels.momentary_rank(was):
        note["since_ms"] = fact.at_ms
    return {**state, "up": {**state.get("up", {}), fact.source: {**(last or {}), **note}}}


def settled(state: State, at_ms: int, verify_ms: int) -> State:
    """The state with what is believed at `at_ms`: what held through the verification window."""
    rise = state.get("rise") or levels.new_track(1, at_ms)
    above = {
        source: note | {"track": levels.settle(note["track"], at_ms, verify_ms, note["fall_ms"])}
        for source, note in state.get("up", {}).items()
    }
    news: State = {"rise": levels.settle(rise, at_ms, verify_ms, RISE_CLEAR_MS)}
    return {**state, **news, **({"up": above} if above else {})}


def is_rising(state: State) -> bool:
    """Whether the next level will be reached soon."""
    return bool(state.get("rise", {}).get("rank"))


def above(state: State) -> list[Evidence]:
    """What was measured at the gauges above that are high, or were until lately."""
    notes = state.get("up", {}).values()
    return [note["evidence"] for note in notes if not levels.is_idle(note["track"])]


def is_stirring(state: State) -> bool:
    """Whether rising water is believed or on its way to be believed."""
    return "rise" in state and not levels.is_idle(state["rise"])


def is_coming(state: State) -> bool:
    """Whether water will come that is not here yet."""
    return is_rising(state) or bool(_above(state))


def urgency(state: State) -> str:
    """CAP 1.2: what rises here is expected soon, what comes from above in the near future."""
    return "Expected" if is_rising(state) else "Future"


def grade(state: State) -> str:
    """What is coming, in one word for revisions."""
    if is_rising(state):
        return "rising"
    return " ".join(["upstream", *_above(state)]) if _above(state) else ""


def since_ms(state: State, at_ms: int) -> int:
    """When it began."""
    if is_rising(state):
        return int(state["rise"]["marks"][0][1])
    return min((note["since_ms"] for note in _above(state).values()), default=at_ms)


def evidence(state: State) -> tuple[Evidence, ...]:
    """The gauge's own reading, its rate where it rises, and what was measured upstream."""
    own = [state["evidence"]] if "evidence" in state else []
    if is_rising(state) and state.get("rate_mm_h") is not None:
        rate = {"kind": "flood", "name": "flood/rate", "value": state["rate_mm_h"], "unit": "mm/h"}
        own.append({**rate, "source": state["source"], "time": state["evidence"]["time"]})
    return (*own, *(note["evidence"] for note in state.get("up", {}).values()))


def headline(state: State, place: Place, site: Site, edition: Edition) -> dict[str, str]:
    """What to tell of water that is not here yet."""
    if is_rising(state):
        return text_flood.rising_headline(
            place, state["to_next_s"], state.get("rate_mm_h"), official=bool(edition.document)
        )
    first = min(_above(state).values(), key=lambda note: note["since_ms"] + note["travel_ms"])
    at_ms = first["since_ms"] + first["travel_ms"]
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(site.timezone))
    upper = site.places.get(first["place"], place)
    return text_flood.upstream_headline(upper, place, f"{moment:%H:%M}")


def waits(state: State, verify_ms: int) -> list[tuple[int, int]]:
    """The timers of all forecasts, each with its window."""
    found: list[tuple[int | None, int]] = []
    if "rise" in state:
        change_ms = levels.next_change_ms(state["rise"], verify_ms, RISE_CLEAR_MS)
        found.append((change_ms, max(verify_ms, RISE_CLEAR_MS)))
    for note in state.get("up", {}).values():
        change_ms = levels.next_change_ms(note["track"], verify_ms, note["fall_ms"])
        found.append((change_ms, max(verify_ms, note["fall_ms"])))
    return [(change_ms, window_ms) for change_ms, window_ms in found if change_ms is not None]


def _above(state: State) -> dict[str, Any]:
    return {s: note for s, note in state.get("up", {}).items() if note["track"]["rank"]}
