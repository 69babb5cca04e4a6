"""What persons at the centre do with alarms: checked, carried out once, noted, answered."""

import dataclasses
import hashlib
import json
import logging
from typing import Any

from haidang_gateway.alarms import acts
from haidang_gateway.alarms.document import Alarm
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.alarms.lifecycle import is_open
from haidang_gateway.batch import AuditNote
from haidang_gateway.commands import Act
from haidang_gateway.handled import KEY, Handled
from haidang_gateway.model import AckAlarm, DismissAlarm, Exercise, Injected, Report, ShelveAlarm
from haidang_gateway.text import printable
from haidang_gateway.work import Work

_log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000
_KINDS = {
    AckAlarm: "ack",
    DismissAlarm: "dismissal",
    ShelveAlarm: "shelving",
    Report: "report",
    Exercise: "exercise",
    Injected: "stimulus",
}


class Acts:
    """Feeds persons' acts to the rules; what is answered is committed with what it changed."""

    def __init__(self, rules: Rules) -> None:
        """Remembers what was carried out before a restart."""
        self._rules = rules
        self._handled = Handled(rules.memory(KEY))

    def carry_out(self, command: str, act: Act, work: Work, now_ms: int) -> dict[str, Any]:
        """The answer; a command that came before is answered as before and changes nothing."""
        meaning = _meaning(act)
        before = self._handled.said(command, meaning)
        if before is not None:
            return dict(before)
        problem = self._problem(act)
        if problem is not None:
            _log.warning("command %r is refused: %s", command, printable(problem[0]))
            return {"ok": False, "err": problem[0], "hint": problem[1]}
        work.add(self._rules.apply(act, now_ms))
        said = {"ok": True}
        work.states[KEY] = self._handled.note(command, meaning, said)
        subject = printable(f"{_subject(act)} ({command})")
        work.audits.append(AuditNote(kind=_KINDS[type(act)], subject=subject, digest=meaning))
        _log.info("%s: %s", _KINDS[type(act)], subject)
        return said

    def _problem(self, act: Act) -> tuple[str, str] | None:
        match act:
            case AckAlarm() | DismissAlarm() | ShelveAlarm():
                return self._alarm_problem(act)
            case Exercise():
                return self._exercise_problem(act)
            case Injected():
                place = act.stimulus.place
                if not self._rules.is_exercised(place):
                    return f"there is no exercise at {place}", "order the exercise first"
                return None
        return self._place_problem(act.place)

    def _alarm_problem(self, act: AckAlarm | DismissAlarm | ShelveAlarm) -> tuple[str, str] | None:
        alarm = self._rules.alarm(act.alarm_id)
        if alarm is None:
            return (
                f"there is no alarm {act.alarm_id}",
                "it may be over; see `haidang-gateway alarm list`, or ask for all with `resync`",
            )
        if isinstance(act, AckAlarm):
            return None
        if not is_open(alarm):
            return f"alarm {act.alarm_id} is over already", "nothing is to be done"
        if isinstance(act, ShelveAlarm):
            return _shelf_problem(act, alarm)
        return None

    def _exercise_problem(self, act: Exercise) -> tuple[str, str] | None:
        if act.until_ms - act.at_ms > acts.LONGEST_EXERCISE_MS:
            return _too_long(acts.LONGEST_EXERCISE_MS)
        if act.until_ms <= act.at_ms and not self._rules.is_exercised(act.place):
            return f"there is no exercise at {act.place}", "write an `until` that is still to come"
        return self._place_problem(act.place)

    def _place_problem(self, place: str) -> tuple[str, str] | None:
        if self._rules.has_place(place):
            return None
        return f"place {place} is not configured here", "send it to the gateway of this place"


def _shelf_problem(act: ShelveAlarm, alarm: Alarm) -> tuple[str, str] | None:
    if not acts.may_shelve(alarm):
        return (
            f"alarm {act.alarm_id} may not be shelved: only faults of nodes and cameras may",
            "acknowledge it, or dismiss it where it is false",
        )
    if act.until_ms - act.at_ms > acts.LONGEST_SHELF_MS:
        return _too_long(acts.LONGEST_SHELF_MS)
    return None


def _too_long(limit_ms: int) -> tuple[str, str]:
    return (
        f"`until` is more than {limit_ms // _HOUR_MS} h away",
        "write an earlier one, and renew it when it has run out",
    )


def _subject(act: Act) -> str:
    match act:
        case AckAlarm() | DismissAlarm() | ShelveAlarm():
            return f"{act.alarm_id} by {act.by}"
        case Exercise():
            return f"{act.place} by {act.by}"
        case Injected():
            return f"{act.stimulus.place}: {act.stimulus.source}"
    return f"{act.hazard} at {act.place} by {act.source.partition(':')[2]}"


def _meaning(act: Act) -> str:
    """A SHA-256 in hex of what is wished, whenever it comes."""
    wish = dataclasses.asdict(act)
    for name in ("at_ms", "received_ms"):
        if not (isinstance(act, Report) and name == "at_ms"):
            wish.pop(name)
    if isinstance(act, Injected):
        wish["stimulus"] = {k: v for k, v in wish["stimulus"].items() if not k.endswith("_ms")}
    text = json.dumps([_KINDS[type(act)], wish], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
