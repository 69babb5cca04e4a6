"""`haidang-gateway evidence`: the pictures kept with alarms; and a camera's view learnt anew."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from haidang_gateway.config import add_config, load
from haidang_gateway.errors import EvidenceError
from haidang_gateway.metrics import iso_utc
from haidang_gateway.settings import Settings
from haidang_gateway.vision.evidence import INDEX, read_event, read_key
from haidang_gateway.vision.evidence_care import EVIDENCE, look


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its commands and options."""
    commands = parser.add_subparsers(required=True, metavar="list|export|relearn")
    text = "one line for each event, the oldest first"
    commands.add_parser("list", help=text, description=text).set_defaults(show=_list)
    text = "check and unseal one event's pictures"
    export = commands.add_parser("export", help=text, description=text)
    export.add_argument("event", metavar="EVENT", help="CAMERA/FOLDER as `list` shows it")
    text = "where the pictures are to lie"
    export.add_argument("folder", type=Path, metavar="FOLDER", help=text)
    export.set_defaults(show=_export)
    text = "a camera was moved on purpose: learn its view"
    again = commands.add_parser("relearn", help=text, description=text)
    again.add_argument("camera", metavar="ID", help="the id of a [[camera]]")
    again.set_defaults(show=_relearn)
    for sub in commands.choices.values():
        add_config(sub, config)


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; 0. EvidenceError where it cannot be had."""
    settings = load(options.config)
    sys.stdout.writelines(f"{line}\n" for line in options.show(settings, options))
    return 0


def _list(settings: Settings, _: argparse.Namespace) -> Iterator[str]:
    events = sorted(look(settings.data_dir / EVIDENCE, 0), key=lambda event: event.at_ms)
    for event in events:
        yield f"{iso_utc(event.at_ms)}  {event.subject}  {event.size_bytes // 1000} KB"
    yield f"{len(events)} events"


def _export(settings: Settings, options: argparse.Namespace) -> Iterator[str]:
    known = {event.subject: event.path for event in look(settings.data_dir / EVIDENCE, 0)}
    if options.event not in known:
        raise EvidenceError(
            f"there is no event {options.event}; see `haidang-gateway evidence list`"
        )
    key = read_key(settings.evidence.key) if settings.evidence.key else None
    files = read_event(known[options.event], key)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (options.folder / name).write_bytes(content)
    except OSError as error:
        raise EvidenceError(
            f"{error.filename}: cannot be written: {error.strerror}; "
            "check the disk and who may write there"
        ) from error
    index = json.loads(files.get(INDEX, b"{}"))
    what = f"{len(files)} files of {options.event} ({index.get('kind')})"
    yield f"{what} unchanged, in {options.folder}"
    yield (
        f"not sealed: whoever can read {options.folder} sees these pictures; keep it where only "
        "who needs them can read it, and delete it once they are handed over"
    )


def _relearn(settings: Settings, options: argparse.Namespace) -> Iterator[str]:
    # Not at the top: posts imports numpy, which a gateway without cameras has no need of.
    from haidang_gateway.vision.posts import view_file  # noqa: PLC0415

    if options.camera not in {camera.id for camera in settings.cameras}:
        raise EvidenceError(f"there is no [[camera]] {options.camera} in the configuration")
    view = view_file(settings.data_dir, options.camera)
    view.with_suffix(".scores").unlink(missing_ok=True)
    view.unlink(missing_ok=True)
    yield f"{options.camera}: its view is learnt anew, within ten minutes"
