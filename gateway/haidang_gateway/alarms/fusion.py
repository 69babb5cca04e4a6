"""How the sources of a place together make a fire: weak or strong, one or two, held or not.

Slots whose `away` is true belong to a place within reach: they make what is seen here more
certain, and neither open nor hold an alarm here. A person's report ends by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haidang_gateway.alarms.levels import is_overtaken, is_stale, window_end_ms

Slot = dict[str, Any]

QUIET = 0
# First smoke: a node's pre_alarm, or smoke in a picture (fog and humidity can make both), or one
# person's report.
WEAK = 1
# A node's alarm, or flames in a picture.
STRONG = 2
PERSON = "report:"


@dataclass(frozen=True, slots=True)
class Windows:
    """`verify_ms` one source must hold; two sources count within `fusion_ms`; `quiet_ms` ends."""

    verify_ms: int
    fusion_ms: int
    quiet_ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the sources say together; `level` is the strongest that is active."""

    state: str
    certainty: str
    level: int


def hear(
    slot: Slot | None,
    level: int,
    at_ms: int,
    now_ms: int,
    *,
    windows: Windows,
    evidence: dict[str, Any],
) -> Slot | None:
    """One source's slot after its newest word; None while it never said anything but quiet.

    A strong source that dips for less than the verification window keeps its first time: it is a
    repeated detection (UL 864 alarm verification), and a flickering detector still confirms.
    """
    if slot is None:
        if level == QUIET:
            return None
        slot = _blank(at_ms)
    if is_overtaken(at_ms, slot["at_ms"], now_ms):
        return slot
    heard: Slot = {**slot, "at_ms": at_ms, "level": level, "stale": is_stale(at_ms, now_ms)}
    if level != QUIET:
        heard |= {"active_ms": at_ms, "evidence": evidence}
    elif slot["level"] != QUIET:
        heard |= {
            "active_ms": at_ms,
            "quiet_until_ms": window_end_ms(at_ms, windows.quiet_ms, now_ms),
        }
    return heard | _strong_run(slot, level, at_ms, now_ms, windows)


def judge(slots: dict[str, Slot], at_ms: int, windows: Windows) -> Judgement | None:
    """Certainty of a fire at `at_ms`; None where no source is active and fresh."""
    level = max((s["level"] for s in here(slots).values() if not s["stale"]), default=QUIET)
    if level == QUIET:
        return None
    counted = _counted(slots, at_ms, windows)
    strongest = max(counted.values(), default=level)
    # Fog fools a gas sensor and a camera alike, but no pair of eyes.
    seen = any(source.startswith(PERSON) for source in counted)
    if len(counted) >= 2 and (strongest == STRONG or seen):
        return Judgement("confirmed", "Observed", level)
    if held_run(slots, at_ms, windows):
        return Judgement("confirmed", "Likely", level)
    return Judgement("suspected", "Likely" if len(counted) >= 2 else "Possible", level)


def here(slots: dict[str, Slot]) -> dict[str, Slot]:
    """The slots of this place's own sources."""
    return {name: slot for name, slot in slots.items() if not slot.get("away")}


def counting(slots: dict[str, Slot], at_ms: int, windows: Windows) -> dict[str, Slot]:
    """The slots to be told: this place's own, and those away that count."""
    return {
        name: slot
        for name, slot in slots.items()
        if not slot.get("away") or (not slot["stale"] and _is_recent(name, slot, at_ms, windows))
    }


def kept(slots: dict[str, Slot], at_ms: int, windows: Windows, *, over: bool) -> dict[str, Slot]:
    """The slots that still matter; those of this place go where all is quiet and `over`."""
    done = over and is_quiet(slots)
    return {
        name: slot
        for name, slot in slots.items()
        if (_is_recent(name, slot, at_ms, windows) if slot.get("away") else not done)
    }


def end_reports(slots: dict[str, Slot], at_ms: int) -> dict[str, Slot]:
    """The slots at `at_ms`: a report whose time is over is quiet since then."""
    return {
        name: {**slot, "level": QUIET, "quiet_until_ms": slot["ends_ms"]}
        if slot.get("ends_ms") is not None and slot["ends_ms"] <= at_ms
        else slot
        for name, slot in slots.items()
    }


def hush(slots: dict[str, Slot], is_gone: Callable[[str], bool]) -> dict[str, Slot]:
    """The slots where sources that are gone for good are quiet since their last word."""
    return {
        name: _hushed(slot)
        if slot["level"] != QUIET and is_gone(slot["evidence"]["source"])
        else slot
        for name, slot in slots.items()
    }


def held_run(slots: dict[str, Slot], at_ms: int, windows: Windows) -> bool:
    """True where a strong source held through the window, even if it is quiet by now."""
    return any(_has_held(slot, at_ms, windows) for slot in here(slots).values())


def is_quiet(slots: dict[str, Slot]) -> bool:
    """True where no source's last word was smoke or fire; a blind source keeps its last word."""
    return all(slot["level"] == QUIET for slot in here(slots).values())


def quiet_until_ms(slots: dict[str, Slot]) -> int:
    """When the quiet of all sources has lasted long enough."""
    return max((slot["quiet_until_ms"] for slot in here(slots).values()), default=0)


def verify_ends_ms(slots: dict[str, Slot]) -> int | None:
    """When the first strong source will have held through the verification window."""
    strong = [s for s in here(slots).values() if s["level"] == STRONG and not s["stale"]]
    return min((slot["verify_until_ms"] for slot in strong), default=None)


def reports_end_ms(slots: dict[str, Slot]) -> int | None:
    """When the first report of this place will be over."""
    ends = [s["ends_ms"] for s in here(slots).values() if s.get("ends_ms") and s["level"]]
    return min(ends, default=None)


def _hushed(slot: Slot) -> Slot:
    end_ms = slot["at_ms"] if slot["level"] == STRONG else slot["strong_end_ms"]
    return {**slot, "level": QUIET, "strong_end_ms": end_ms}


def _blank(at_ms: int) -> Slot:
    return {
        "level": QUIET,
        "peak": QUIET,
        "stale": False,
        "at_ms": at_ms,
        "onset_ms": at_ms,
        "active_ms": at_ms,
        "quiet_until_ms": at_ms,
        "strong_ms": None,
        "strong_end_ms": None,
        "verify_until_ms": at_ms,
        "evidence": {},
    }


def _strong_run(slot: Slot, level: int, at_ms: int, now_ms: int, windows: Windows) -> Slot:
    was_strong = slot["level"] == STRONG
    run: Slot = {"peak": max(slot["peak"], level)}
    if level == STRONG and not was_strong and not _is_dip(slot, at_ms, windows):
        run |= {
            "strong_ms": at_ms,
            "verify_until_ms": window_end_ms(at_ms, windows.verify_ms, now_ms),
        }
    if was_strong and level != STRONG:
        run["strong_end_ms"] = at_ms
    return run


def _is_dip(slot: Slot, at_ms: int, windows: Windows) -> bool:
    end_ms = slot["strong_end_ms"]
    return end_ms is not None and 0 <= at_ms - end_ms <= windows.verify_ms


def _has_held(slot: Slot, at_ms: int, windows: Windows) -> bool:
    if slot["strong_ms"] is None or slot["stale"]:
        return False
    if slot["level"] == STRONG:
        return bool(at_ms >= slot["verify_until_ms"])
    return bool(slot["strong_end_ms"] - slot["strong_ms"] >= windows.verify_ms)


def _counted(slots: dict[str, Slot], at_ms: int, windows: Windows) -> dict[str, int]:
    """Peak level by independent source: active ones, and those quiet for less than the window.

    Flames and smoke seen by one camera are one source.
    """
    counted: dict[str, int] = {}
    for name, slot in slots.items():
        if not slot["stale"] and _is_recent(name, slot, at_ms, windows):
            source = slot["evidence"]["source"]
            counted[source] = max(counted.get(source, QUIET), slot["peak"])
    return counted


def _is_recent(name: str, slot: Slot, at_ms: int, windows: Windows) -> bool:
    """A sensor counts as long as it speaks, a report is a word of one moment."""
    speaks = slot["level"] != QUIET and not name.startswith(PERSON)
    return bool(speaks or at_ms - slot["active_ms"] <= windows.fusion_ms)
