"""What is counted about alarms: by source and month how many were false, floods, chattering."""

from collections import Counter
from typing import Any

from haidang_gateway.alarms.document import ACTUAL, Alarm, State

# EEMUA 191 and ISA-18.2: more than ten new alarms in ten minutes are more than a person can take
# in, and a flood lasts until there are fewer than five; three of one kind are chattering.
FLOOD_MS = 600_000
_FLOOD = 10
_FLOOD_OVER = 5
_CHATTER = 3
PREFIX = "alarms:"
RAISED, DISMISSED = "raised", "dismissed"


def numbered(numbers: State, at_ms: int) -> tuple[State, bool]:
    """The numbers after one more real alarm, and whether it begins a flood of alarms."""
    recent = [time for time in numbers.get("recent", []) if at_ms - time < FLOOD_MS]
    in_flood = numbers.get("flood", False) and len(recent) >= _FLOOD_OVER
    recent = [*recent, at_ms][-(_FLOOD + 1) :]
    flood = in_flood or len(recent) > _FLOOD
    return {**numbers, "recent": recent, "flood": flood}, flood and not in_flood


def counts_of(before: Alarm | None, after: Alarm) -> Counter[str]:
    """The counters that one revision moves; an exercise moves none."""
    counts: Counter[str] = Counter()
    document: dict[str, Any] = after["document"]
    if document["status"] != ACTUAL:
        return counts
    new = before is None or before["document"]["id"] != document["id"]
    known = [] if before is None or new else before["sources"]
    month = document["updated"][:7]
    for source in _sources(after["sources"]) - _sources(known):
        counts[f"{PREFIX}{month}:{RAISED}:{source}"] += 1
    if document["state"] == "dismissed" and before and before["document"]["state"] != "dismissed":
        for source in _sources(after["sources"]):
            counts[f"{PREFIX}{month}:{DISMISSED}:{source}"] += 1
    if new and _chatters(after["opened"]):
        counts["alarms_chattering"] += 1
    return counts


def _sources(sources: list[str]) -> set[str]:
    names = (source.rpartition(" ")[0] for source in sources)
    # Who reported is nobody's statistic.
    return {"report" if name.startswith("report:") else name for name in names}


def _chatters(opened: list[int]) -> bool:
    return len([time for time in opened if opened[-1] - time < FLOOD_MS]) >= _CHATTER
