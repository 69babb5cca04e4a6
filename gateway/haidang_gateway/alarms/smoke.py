"""The fire hazard of one place: nodes, cameras and people give evidence, fusion judges it."""

from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import text
from haidang_gateway.alarms import fusion
from haidang_gateway.alarms.document import Evidence, Finding, State, iso
from haidang_gateway.alarms.fusion import QUIET, STRONG, WEAK, Slot
from haidang_gateway.alarms.lifecycle import is_acknowledged, source_of, state_of
from haidang_gateway.alarms.reports import report_evidence
from haidang_gateway.model import Fact, FireSeen, Report, SmokeFact
from haidang_gateway.site import Site

# "warming" is missing on purpose: a heating sensor sees nothing, so its word changes nothing.
_NODE_LEVELS = {"normal": QUIET, "pre_alarm": WEAK, "alarm": STRONG}
_CAMERA_LEVELS = {"smoke": WEAK, "fire": STRONG}
_CERTAINTIES = ("Possible", "Likely", "Observed")

_Sign = SmokeFact | FireSeen | Report


def judge(state: State, fact: Fact, site: Site, now_ms: int) -> tuple[State, Finding | None]:
    """The place's fire state after `fact` and what it means; timers come as Due facts."""
    windows = _windows(site)
    known: dict[str, Slot] = fusion.end_reports(state.get("slots", {}), fact.at_ms)
    slots = fusion.hush(known, site.is_gone)
    if isinstance(fact, _Sign):
        slot = _hear(slots, fact, site, now_ms, windows)
        if slot is not None:
            name = _word(fact)[0]
            slots[name] = slot | {"away": _is_away(slots.get(name), fact.place, state["place"])}
        elif slots == known:
            return state, None
    finding = _find(state, slots, fact, site, windows)
    over = finding is None or finding.state == "cleared"
    calm = fusion.is_quiet(slots)
    after = {**state, "slots": fusion.kept(slots, fact.at_ms, windows, over=over)}
    return after | {"calm": calm} | _timer(after, finding, windows, site), finding


def is_calm_word(state: str) -> bool:
    """Whether a detector's word can neither begin a fire nor make one more certain."""
    return not _NODE_LEVELS.get(state)


def active(state: State) -> set[str]:
    """The sources whose last word was smoke or fire, as an alarm names them."""
    slots: dict[str, Slot] = state.get("slots", {})
    return {source_of(slot["evidence"]) for slot in slots.values() if slot["level"] != QUIET}


def _is_away(was: Slot | None, spot: str, place: str) -> bool:
    """A node that was moved to a place within reach still ends what it began here."""
    return spot != place and (was is None or bool(was.get("away")))


def _windows(site: Site) -> fusion.Windows:
    return fusion.Windows(
        verify_ms=round(site.smoke_verify_s * 1000),
        fusion_ms=round(site.fusion_window_s * 1000),
        quiet_ms=round(site.smoke_verify_s * 1000),
    )


def _hear(
    slots: dict[str, Slot], fact: _Sign, site: Site, now_ms: int, windows: fusion.Windows
) -> Slot | None:
    """The slot of the fact's source with the fact taken in; None where it says nothing new."""
    name, level = _word(fact)
    if level is None:
        return None
    was = slots.get(name)
    evidence = _evidence(fact, ZoneInfo(site.timezone))
    slot = fusion.hear(was, level, fact.at_ms, now_ms, windows=windows, evidence=evidence)
    if slot is not None and isinstance(fact, Report):
        slot = {**slot, "ends_ms": slot["at_ms"] + round(site.report_hold_s * 1000)}
    return None if slot == was else slot


def _word(fact: _Sign) -> tuple[str, int | None]:
    if isinstance(fact, SmokeFact):
        return fact.source, _NODE_LEVELS.get(fact.state)
    if isinstance(fact, Report):
        return fact.source, WEAK
    level = _CAMERA_LEVELS[fact.kind] if fact.active else QUIET
    return f"{fact.source}#{fact.kind}", level


def _evidence(fact: _Sign, zone: ZoneInfo) -> Evidence:
    if isinstance(fact, Report):
        return report_evidence(fact, zone)
    time = iso(fact.at_ms, zone)
    if isinstance(fact, FireSeen):
        item: dict[str, Any] = {"source": fact.source, "kind": fact.kind}
        item |= {"score": fact.score, "box": list(fact.box) if fact.box else None}
        item |= {"time": time, "snapshot": fact.snapshot}
        return {key: value for key, value in item.items() if value is not None}
    item = {"source": fact.source, "kind": "smoke"}
    if fact.ratio is None:
        return item | {"name": "smoke/state", "value": fact.state, "time": time}
    return item | {"name": "smoke/ratio", "value": fact.ratio, "unit": "/", "time": time}


def _find(
    state: State, slots: dict[str, Slot], fact: Fact, site: Site, windows: fusion.Windows
) -> Finding | None:
    alarm = state.get("alarm")
    was = state_of(alarm)
    judged = fusion.judge(slots, fact.at_ms, windows)
    if was is None:
        return _finding(state, slots, judged, fact, site) if judged else None
    if judged is None:
        held = fusion.held_run(slots, fact.at_ms, windows)
        judged = fusion.Judgement("confirmed" if held else was, "Likely" if held else "", QUIET)
    may_end = was == judged.state == "suspected" or is_acknowledged(alarm)
    if may_end and fusion.is_quiet(slots) and fact.at_ms >= fusion.quiet_until_ms(slots):
        judged = fusion.Judgement("cleared", "", QUIET)
    return _finding(state, slots, judged, fact, site)


def _finding(
    state: State, slots: dict[str, Slot], judged: fusion.Judgement, fact: Fact, site: Site
) -> Finding:
    """The finding, never weaker than the open alarm already is: only clearing goes down."""
    alarm = state.get("alarm")
    was = state_of(alarm)
    document = alarm["document"] if alarm is not None and was else {}
    word = "confirmed" if was == "confirmed" and judged.state != "cleared" else judged.state
    certainty = max(judged.certainty, document.get("certainty", ""), key=_certainty_rank)
    strong = word == "confirmed" or document.get("severity") == "Severe" or judged.level == STRONG
    urgency = "Past" if word == "cleared" else ("Immediate" if strong else "Expected")
    told = fusion.counting(slots, fact.at_ms, _windows(site))
    return Finding(
        hazard="fire",
        place=site.places[state["place"]],
        state=word,
        severity="Severe" if strong else "Moderate",
        urgency=urgency,
        certainty=certainty,
        grade="",
        onset_ms=min((s["onset_ms"] for s in fusion.here(slots).values()), default=fact.at_ms),
        updated_ms=fact.at_ms,
        evidence=tuple(slot["evidence"] for slot in told.values()),
        headline=text.fire_headline(
            site.places[state["place"]], word, strong=strong, was_confirmed=was == "confirmed"
        ),
    )


def _certainty_rank(word: str) -> int:
    return _CERTAINTIES.index(word) if word in _CERTAINTIES else -1


def _timer(state: State, finding: Finding | None, windows: fusion.Windows, site: Site) -> State:
    """When this state must be looked at again if nothing more is heard."""
    alarm, slots = state.get("alarm"), state["slots"]
    quiet_ms = max(windows.verify_ms, windows.quiet_ms)
    waits: list[tuple[int, int]] = []
    if finding is not None and finding.state == "suspected":
        waits.append((fusion.verify_ends_ms(slots) or 0, quiet_ms))
    if fusion.here(slots) and fusion.is_quiet(slots) and finding is not None:
        may_end = finding.state == "suspected" or is_acknowledged(alarm)
        waits = [(fusion.quiet_until_ms(slots), quiet_ms)] if may_end else []
    waits.append((fusion.reports_end_ms(slots) or 0, round(site.report_hold_s * 1000)))
    due_ms, window_ms = min((wait for wait in waits if wait[0]), default=(None, quiet_ms))
    return {"due_ms": due_ms, "window_ms": window_ms}
