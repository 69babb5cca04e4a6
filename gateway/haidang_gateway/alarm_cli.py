"""`haidang-gateway alarm`: what a person at the gateway does with alarms, centre or not."""

import argparse
import getpass
import os
import re
import secrets
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import alarm_list, control_client
from haidang_gateway.clock import Clock
from haidang_gateway.config import add_config, load
from haidang_gateway.errors import OrderError
from haidang_gateway.sheet import LANGUAGES
from haidang_gateway.text import printable

_WAIT_S = 60
_SPAN = re.compile(r"(\d{1,4})(m|h)")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_UNTIL = "2h, 30m, 18:30, a time like 2026-11-24T18:30, or `now` to end it"
_SEEN = "5m (ago), 18:30 or a time like 2026-11-24T18:30"


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its sub-commands and options."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")

    def add(name: str, text: str, *names: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        add_config(sub, config)
        for argument in names:
            sub.add_argument(argument.lower(), metavar=argument, help=_HELP[argument])
        sub.set_defaults(what=name)
        if name != "list":
            text = "of an act that may have been carried out already: it is then not done twice"
            sub.add_argument("--id", default="", help=text)
        return sub

    shown = add("list", "the open alarms, the worst first")
    shown.add_argument("--json", action="store_true", help="as the contract's documents")
    told = "in which language (%(default)s)"
    shown.add_argument("--lang", choices=LANGUAGES, default="vi", help=told)
    add("ack", "seen and taken over", "ALARM")
    add("dismiss", "it is false, and over at once", "ALARM")
    add("shelve", "hear nothing of a device alarm for at most 8 h", "ALARM", "UNTIL")
    report = add("report", "tell what a person saw", "HAZARD", "PLACE")
    report.add_argument("--by", help="who saw it, a role or a ticket's number (you)")
    report.add_argument("--text", default="", help="in the reporter's words")
    report.add_argument(
        "--seen", default="0m", metavar="TIME", help=f"when: {_SEEN}; now if absent"
    )
    add("exercise", "begin an exercise at a place, or end it", "PLACE", "UNTIL")
    inject = add("inject", "a stimulus of an exercise", "PLACE", "KIND", "STATE")
    inject.add_argument("--source", help="a name for it, so that several can agree")


_HELP = {
    "ALARM": "its id, or the number at the end of an open one's",
    "UNTIL": _UNTIL,
    "HAZARD": "fire, flood or crowd",
    "PLACE": "the place's id in the configuration",
    "KIND": "smoke, fire, flood or report",
    "STATE": "smoke: normal, pre_alarm, alarm; fire: fire, smoke, quiet; flood: normal, watch, "
    "warning, danger; report: the hazard",
}


def run(options: argparse.Namespace) -> int:
    """Do it and print what came of it; 0 done, 1 not. Raises OrderError."""
    settings = load(options.config)
    folder, zone = settings.data_dir, ZoneInfo(settings.timezone)
    if options.what == "list":
        shown = (
            [alarm_list.as_json(folder)]
            if options.json
            else alarm_list.lines(folder, zone, options.lang)
        )
        return _print(shown, done=True)
    act, args = _act(options, folder, datetime.fromtimestamp(Clock().now_ms() / 1000, zone))
    name = options.id or f"t-{secrets.token_hex(6)}"
    request = {
        "act": act,
        "args": args,
        "id": name,
        "wait_s": _WAIT_S,
        "by": os.environ.get("SUDO_USER") or getpass.getuser(),
    }
    # The same words mean the same again only if the time is written out.
    times = "".join(f" and {args[key]}" for key in ("until", "time") if key in args)
    hint = f"\nit may have been done: give it again with --id {name}{times}, it is not done twice"
    (answer,) = control_client.answers(folder, request, lambda _: _WAIT_S, hint)
    if answer["ok"]:
        return _print(["done"], done=True)
    return _print([f"not done: {answer['err']}", f"  {answer.get('hint', '')}"], done=False)


def _act(options: argparse.Namespace, folder: Path, now: datetime) -> tuple[str, dict[str, Any]]:
    match options.what:
        case "ack" | "dismiss":
            return f"{options.what}_alarm", {"alarm_id": _alarm(options, folder)}
        case "shelve":
            args = {"alarm_id": _alarm(options, folder), "until": _iso(_until(options.until, now))}
            return "shelve_alarm", args
        case "report":
            report = {"hazard": options.hazard, "place": options.place, "text": options.text}
            by = {"by": options.by} if options.by else {}
            return "report", report | by | {"time": _iso(_seen(options.seen, now))}
        case "exercise":
            until = _iso(_until(options.until, now))
            return "exercise", {"place": options.place, "until": until}
    stimulus = {"kind": options.kind, "state": options.state}
    stimulus |= {"source": options.source} if options.source else {}
    return "exercise", {"place": options.place, "until": _iso(now), "inject": stimulus}


def _alarm(options: argparse.Namespace, folder: Path) -> str:
    return alarm_list.alarm_named(folder, options.alarm)


def _until(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    if span := _span(text):
        return now + span
    if clock := _CLOCK.fullmatch(text):
        time = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return time if time > now else time + timedelta(days=1)
    return _written(text, now, _UNTIL)


def _seen(text: str, now: datetime) -> datetime:
    if (span := _span(text)) is not None:
        return now - span
    if clock := _CLOCK.fullmatch(text):
        time = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return time if time <= now else time - timedelta(days=1)
    return _written(text, now, _SEEN)


def _span(text: str) -> timedelta | None:
    span = _SPAN.fullmatch(text)
    if span is None:
        return None
    return timedelta(hours=int(span[1])) if span[2] == "h" else timedelta(minutes=int(span[1]))


def _written(text: str, now: datetime, forms: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderError(f"{text}: no time; write {forms}") from error
    return time if time.tzinfo else time.replace(tzinfo=now.tzinfo)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _print(lines: Any, *, done: bool) -> int:
    for line in lines:
        sys.stdout.write(printable(line) + "\n")
    return 0 if done else 1
