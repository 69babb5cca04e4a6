"""What of a dismissed alarm rests until it was quiet once, source by source."""

from collections.abc import Callable, Collection, Mapping

from haidang_gateway.alarms import flood, smoke
from haidang_gateway.alarms.acts import EXERCISE
from haidang_gateway.alarms.document import Alarm, State

_ACTIVE: Mapping[str, Callable[[State], Collection[str]]] = {
    "fire": smoke.active,
    "flood": flood.active,
}


def rested(alarm: Alarm, key: str, state: State) -> Alarm:
    """A dismissed alarm with what came to rest since then set apart.

    That is heard when it speaks again, though another source of the alarm stays (stuck, or dead).
    """
    waived, active = alarm["waived"], _active(key, state)
    if active is None:
        return alarm
    quiet = {*waived.get("quiet", ()), *waived["sources"]}.difference(active)
    sources = [source for source in waived["sources"] if source in active]
    news = {**waived, "sources": sources, "quiet": sorted(quiet)}
    return {**alarm, "waived": news if sources else None}


def _active(key: str, state: State) -> Collection[str] | None:
    """The sources that have not come to rest; None where the rule cannot tell."""
    if state.get("calm"):
        return ()
    active = _ACTIVE.get(key.removeprefix(EXERCISE).partition(":")[0])
    return active(state) if active else None
