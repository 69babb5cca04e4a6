"""`haidang-gateway node`: a technician at the gateway gives one node one command."""

import argparse
import getpass
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from haidang_gateway import control_client
from haidang_gateway.clock import Clock
from haidang_gateway.config import add_config, load
from haidang_gateway.control_client import add_wait
from haidang_gateway.errors import OrderError
from haidang_gateway.settings import Settings
from haidang_gateway.sheet import LANGUAGES, Header, sheet
from haidang_gateway.text import printable

_WORDS = {
    "log": "the node's last warnings and errors",
    "identify": "let its lamp blink",
    "selftest": "[SENSOR] check itself, or one sensor",
    "calibrate": "SENSOR [NAME=NUMBER ...]",
    "silence": "its siren is quiet, the alarm stays",
    "reboot": "start anew",
    "config": "FILE ... change its node.json by these JSON files, on trial",
}
_ID = re.compile("n-[0-9a-f]{12}")
_WITH_SHEET = ("selftest", "calibrate")
# How long a node may take to start after a trial.
_START_S = 120
# The contract's, where a node does not say how long its trial is.
_TRIAL_S = 300


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its arguments and options."""
    add_config(parser, config)
    parser.add_argument("node", metavar="ID", help="the node, for example n-240ac4000001")
    words = "; ".join(f"{word}: {text}" for word, text in _WORDS.items())
    parser.add_argument("do", metavar="WHAT", choices=sorted(_WORDS), help=words)
    parser.add_argument("rest", metavar="ARGUMENT", nargs="*", help="what the command needs")
    add_wait(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the answers as the node gave them")
    form.add_argument(
        "--sheet",
        choices=LANGUAGES,
        help="selftest and calibrate: a sheet to sign, in Vietnamese or English",
    )


def run(options: argparse.Namespace) -> int:
    """Give the command and print what comes; 0 done, 1 not. Raises OrderError."""
    if not _ID.fullmatch(options.node):
        raise OrderError(
            f"{options.node} is no node's id; write n- and the twelve digits of its MAC address, "
            "as in n-240ac4000001"
        )
    if options.sheet and options.do not in _WITH_SHEET:
        raise OrderError(f"{options.do} has no sheet; {' and '.join(_WITH_SHEET)} have one")
    request = {
        "node": options.node,
        "do": options.do,
        "args": _arguments(options.do, options.rest),
        "wait_s": options.wait,
        "by": os.environ.get("SUDO_USER") or getpass.getuser(),
    }
    settings = load(options.config)
    done = False
    for answer in control_client.answers(settings.data_dir, request, _further_s):
        done = answer["ok"]
        if options.json:
            lines: Iterable[str] = [json.dumps(answer, ensure_ascii=False)]
        elif options.sheet:
            header = _header(options.node, settings, options.sheet)
            lines = sheet(options.do, answer, header, options.sheet)
        else:
            lines = _told(answer)
        # A node's words must not steer the terminal of whoever asked, root as a rule.
        text = "".join(printable(line) + "\n" for line in lines)
        sys.stdout.write(text)
        sys.stdout.flush()
    return 0 if done else 1


def _arguments(do: str, rest: list[str]) -> dict[str, Any]:
    if do == "config":
        if not rest:
            raise OrderError("config needs a JSON file with what is to be changed")
        patch: dict[str, Any] = {}
        for name in rest:
            patch = _merged(patch, _patch(Path(name)))
        return {"set": patch}
    if do in {"selftest", "calibrate"}:
        sensor = {"sensor": rest[0]} if rest else {}
        if do == "calibrate" and not sensor:
            raise OrderError("calibrate needs the sensor: smoke, flood or env")
        return sensor | dict(_value(word) for word in rest[1:])
    if rest:
        raise OrderError(f"{do} takes nothing more; remove {' '.join(rest)}")
    return {}


def _header(node: str, settings: Settings, language: str) -> Header:
    places = {place.id: place for place in settings.places}
    place = next((places[known.place] for known in settings.nodes if known.id == node), None)
    name = "?" if place is None else place.name if language == "vi" else place.name_en
    now = datetime.fromtimestamp(Clock().now_ms() / 1000, ZoneInfo(settings.timezone))
    return Header(node, name, f"{now:%Y-%m-%d %H:%M:%S %z}")


def _patch(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise OrderError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except ValueError as error:
        raise OrderError(f"{path}: {error}; it must be JSON, as in node.json") from error
    if not isinstance(document, dict):
        raise OrderError(f"{path}: must be a JSON object with the parts of node.json to change")
    return document


def _merged(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """One merge patch (RFC 7396) that does what both do in turn; null deletes, so it stays."""
    both = dict(first)
    for name, value in then.items():
        old = both.get(name)
        is_deeper = isinstance(value, dict) and isinstance(old, dict)
        both[name] = _merged(old, value) if is_deeper and old is not None else value
    return both


def _value(word: str) -> tuple[str, Any]:
    name, _, text = word.partition("=")
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (name and is_number and math.isfinite(value)):
        raise OrderError(f"{word}: write it as NAME=NUMBER, for example level_mm=350")
    return name, value


def _told(answer: dict[str, Any]) -> Iterator[str]:
    if not answer["ok"]:
        yield f"not done: {answer['err']}"
        if answer.get("hint"):
            yield f"  {answer['hint']}"
        return
    out = dict(answer.get("out") or {})
    if answer.get("more"):
        yield f"on trial for {_trial_s(answer)} s; waiting for its end (Ctrl-C ends the waiting)"
        return
    lines = out.pop("lines", None)
    if isinstance(lines, list):
        yield from (str(line) for line in lines)
    elif not out:
        yield "done"
    if out:
        yield from json.dumps(out, ensure_ascii=False, indent=2).split("\n")


def _further_s(answer: dict[str, Any]) -> float:
    return _trial_s(answer) + _START_S


def _trial_s(answer: dict[str, Any]) -> int:
    return int(answer["out"].get("trial_s", _TRIAL_S))
