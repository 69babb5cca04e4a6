"""The open alarms and exercises in the database, for a person at the gateway."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import text_list
from haidang_gateway.alarms.document import iso
from haidang_gateway.alarms.lifecycle import is_open
from haidang_gateway.errors import OrderError
from haidang_gateway.store import queries
from haidang_gateway.store.schema import FILE, reading
from haidang_gateway.text import printable

_WORST_FIRST = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
_EXERCISE = "exercise:"


def open_alarms(folder: Path) -> list[dict[str, Any]]:
    """The documents of all open alarms as they were committed, the worst and oldest first."""
    alarms = (state.get("alarm") for state in _states(folder).values())
    documents = [alarm["document"] for alarm in alarms if alarm is not None and is_open(alarm)]
    return sorted(documents, key=_order)


def lines(folder: Path, zone: ZoneInfo, language: str) -> Iterator[str]:
    """The list as it is printed; `language` is "vi" or "en"."""
    documents = open_alarms(folder)
    for document in documents:
        began = datetime.fromisoformat(document["onset"]).astimezone(zone)
        words = text_list.words(document, language)
        yield printable(f"{document['id']}  {began:%Y-%m-%d %H:%M}  {words}")
        yield f"  {printable(document['headline'][language])}"
        yield from (f"  {printable(text)}" for text in _persons(document, zone, language))
    if not documents:
        yield text_list.sentence("none", language)
    for key, state in sorted(_states(folder).items()):
        if key.startswith(_EXERCISE):
            until = iso(state["due_ms"], zone)[:16]
            place = key.removeprefix(_EXERCISE)
            yield printable(
                text_list.sentence(
                    "exercise", language, place=place, time=until, by=str(state["by"])
                )
            )


def alarm_named(folder: Path, word: str) -> str:
    """The id that `word` stands for: itself, or the number at the end of one open alarm's id."""
    if not word.isdigit():
        return word
    ids = [document["id"] for document in open_alarms(folder)]
    found = [name for name in ids if int(name.rpartition("-")[2]) == int(word)]
    if len(found) != 1:
        many = f"{len(found)} open alarms have" if found else "no open alarm has"
        raise OrderError(f"{many} the number {word}; write the whole id, see `alarm list`")
    return str(found[0])


def _states(folder: Path) -> dict[str, dict[str, Any]]:
    with reading(folder / FILE) as connection:
        return queries.rule_states(connection)


def _persons(document: dict[str, Any], zone: ZoneInfo, language: str) -> Iterator[str]:
    for act, key in (("ack", "at"), ("shelved", "until")):
        if done := document.get(act):
            time = _short(done[key], zone)
            yield text_list.sentence(act, language, time=time, by=str(done["by"]))


def _short(time: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(time).astimezone(zone):%Y-%m-%d %H:%M}"


def _order(document: dict[str, Any]) -> tuple[int, str, str]:
    return _WORST_FIRST.index(document["severity"]), document["onset"], document["id"]


def as_json(folder: Path) -> str:
    """All open alarms as one JSON list of the contract's documents."""
    return json.dumps(open_alarms(folder), ensure_ascii=False)
