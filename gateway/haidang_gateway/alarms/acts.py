"""What persons do with alarms: acknowledge, dismiss, shelve, begin and end an exercise."""

from collections.abc import Mapping

from haidang_gateway.alarms import lifecycle
from haidang_gateway.alarms.document import Alarm, Scene, State
from haidang_gateway.alarms.lifecycle import is_open
from haidang_gateway.model import AckAlarm, DismissAlarm, Exercise, Revision, ShelveAlarm

EXERCISE = "exercise/"
# ISA-18.2 asks for a limit; one shift, so that the next one hears of it.
LONGEST_SHELF_MS = 8 * 3_600_000
LONGEST_EXERCISE_MS = 12 * 3_600_000

Act = AckAlarm | DismissAlarm | ShelveAlarm


def acted(alarm: Alarm, act: Act, scene: Scene) -> tuple[Alarm, Revision | None]:
    """The alarm after a person's act; its revision where the act ends it."""
    if isinstance(act, AckAlarm):
        return lifecycle.acknowledge(alarm, act.by, act.at_ms, scene.zone), None
    if isinstance(act, DismissAlarm) and is_open(alarm):
        return lifecycle.dismiss(alarm, act.by, act.at_ms, scene)
    if isinstance(act, ShelveAlarm) and may_shelve(alarm):
        if act.until_ms <= act.at_ms:
            return lifecycle.unshelve(alarm), None
        return lifecycle.shelve(alarm, act.by, act.until_ms, scene.zone), None
    return alarm, None


def may_shelve(alarm: Alarm) -> bool:
    """Only what is broken may be shelved, never a fire, a flood or a crowd; nor the broker."""
    document = alarm["document"]
    gateway = any(item["source"].startswith("gateway:") for item in document.get("evidence", ()))
    return bool(is_open(alarm) and document["hazard"] == "device" and not gateway)


def shelf_of(key: str, act: ShelveAlarm, place: str) -> tuple[str, State | None]:
    """Key and state of the timer that ends a shelving; None to end it now."""
    name = f"shelf:{key}"
    if act.until_ms <= act.at_ms:
        return name, None
    window_ms = act.until_ms - act.at_ms
    return name, {"place": place, "of": key, "due_ms": act.until_ms, "window_ms": window_ms}


def exercise_of(fact: Exercise) -> tuple[str, State]:
    """Key and state of an exercise; its timer ends it."""
    window_ms = fact.until_ms - fact.at_ms
    state = {"place": fact.place, "by": fact.by, "due_ms": fact.until_ms, "window_ms": window_ms}
    return f"exercise:{fact.place}", state


def exercised(place: str, states: Mapping[str, State]) -> list[str]:
    """The keys of the exercise at a place, without the exercise's own."""
    return [
        key
        for key, state in states.items()
        if key.startswith(EXERCISE) and state["place"] == place
    ]
