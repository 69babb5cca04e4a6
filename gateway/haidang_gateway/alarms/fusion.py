"""How the sources of one place together make a fire: weak or strong, one or two, held or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from haidang_gateway.alarms.levels import is_overtaken, is_stale, window_end_ms

Slot = dict[str, Any]

QUIET = 0
# First smoke: a node's pre_alarm, or smoke in a picture. Fog and humidity can make both.
WEAK = 1
# A node's alarm, or flames in a picture.
STRONG = 2


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
    level = max((s["level"] for s in slots.values() if not s["stale"]), default=QUIET)
    if level == QUIET:
        return None
    counted = _counted(slots, at_ms, windows)
    strongest = max(counted.values(), default=level)
    if strongest == STRONG and len(counted) >= 2:
        return Judgement("confirmed", "Observed", level)
    if any(_has_held(slot, at_ms, windows) for slot in slots.values()):
        return Judgement("confirmed", "Likely", level)
    return Judgement("suspected", "Likely" if len(counted) >= 2 else "Possible", level)


def held_run(slots: dict[str, Slot], at_ms: int, windows: Windows) -> bool:
    """True where a strong source held through the window, even if it is quiet by now."""
    return any(_has_held(slot, at_ms, windows) for slot in slots.values())


def is_quiet(slots: dict[str, Slot]) -> bool:
    """True where no source's last word was smoke or fire; a blind source keeps its last word."""
    return all(slot["level"] == QUIET for slot in slots.values())


def quiet_until_ms(slots: dict[str, Slot]) -> int:
    """When the quiet of all sources has lasted long enough."""
    return max((slot["quiet_until_ms"] for slot in slots.values()), default=0)


def verify_ends_ms(slots: Iterable[Slot]) -> int | None:
    """When the first strong source will have held through the verification window."""
    ends = [s["verify_until_ms"] for s in slots if s["level"] == STRONG and not s["stale"]]
    return min(ends, default=None)


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
        recent = slot["level"] != QUIET or at_ms - slot["active_ms"] <= windows.fusion_ms
        if recent and not slot["stale"]:
            source = name.partition("#")[0]
            counted[source] = max(counted.get(source, QUIET), slot["peak"])
    return counted
