"""Runs a gateway and looks after it; `haidang-gateway COMMAND -h` explains each command."""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from haidang_gateway import (
    alarm_cli,
    audit_cli,
    destinations_view,
    journal,
    ledger_view,
    levels_cli,
    node_cli,
    quarantine_cli,
    tally_view,
    trace_cli,
)
from haidang_gateway.app import App
from haidang_gateway.clock import Clock
from haidang_gateway.config import add_config, load
from haidang_gateway.errors import CameraError, ConfigError, GatewayError
from haidang_gateway.fleet import identities, pki_cli
from haidang_gateway.store import backup
from haidang_gateway.vision import evidence_cli
from haidang_gateway.watchdog import Watchdog

_log = logging.getLogger(__name__)

_CONFIG = Path("/etc/haidang/gateway.toml")
# systemd waits longer; whatever hangs beyond this holds nothing that the store does not have.
_STOP_S = 5.0
# A group of 500 packs makes some thousand objects, none of them in a cycle.
_YOUNG_OBJECTS = 10_000
_EXIT_CONFIG = 2
_EXIT_CTRL_C = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 well, 1 failed, 2 mistakes in the configuration, 130 for Ctrl-C.

    What went wrong is told on standard error: standard output is often a file.
    """
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        return _carry_out(options)
    except ConfigError as error:
        _complain(str(error))
        return _EXIT_CONFIG
    except GatewayError as error:
        _complain(str(error))
        return 1
    except BrokenPipeError:
        # Whoever read has seen enough; nothing may be written while Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if options.command is _run:
            raise
        what = "check the path, its disk and who may write there"
        _complain(f"{error.filename or 'the gateway'}: {error.strerror}; {what}")
        return 1
    except KeyboardInterrupt:
        return _EXIT_CTRL_C


def _carry_out(options: argparse.Namespace) -> int:
    status = int(options.command(options))
    sys.stdout.flush()
    return status


def _options(words: Sequence[str]) -> argparse.Namespace:
    """The arguments; --config may stand before the command, too."""
    early = argparse.ArgumentParser(prog="haidang-gateway", add_help=False, allow_abbrev=False)
    early.add_argument("--config", type=Path)
    given, rest = early.parse_known_args(words)
    parser = _parser()
    options = parser.parse_args(rest)
    if given.config is not None:
        if not hasattr(options, "config"):
            parser.error(f"this command reads no configuration; remove --config {given.config}")
        options.config = given.config
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="haidang-gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_plain(commands)
    text = "give one node a command and print its answer"
    node = commands.add_parser("node", help=text, description=text)
    add_config(node, _CONFIG)
    node_cli.add_arguments(node)
    node.set_defaults(command=node_cli.run)
    text = "see, acknowledge, dismiss or shelve alarms, report, exercise"
    persons = commands.add_parser("alarm", help=text, description=text)
    alarm_cli.add_arguments(persons, _CONFIG)
    persons.set_defaults(command=alarm_cli.run)
    text = "send once more what a destination refused"
    again = commands.add_parser("resend", help=text, description=text)
    destinations_view.add_arguments(again, _CONFIG)
    again.set_defaults(command=destinations_view.run)
    text = "check that the record of alarms and commands was not changed"
    chain = commands.add_parser("audit", help=text, description=text)
    audit_cli.add_arguments(chain, _CONFIG)
    chain.set_defaults(command=audit_cli.run)
    for name, copying, text in (
        ("backup", backup.run_backup, "copy the database to FILE while the gateway runs"),
        ("restore", backup.run_restore, "go on from a copy; the gateway must not run"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        backup.add_arguments(sub, _CONFIG)
        sub.set_defaults(command=copying)
    for name, part, text in (
        ("quarantine", quarantine_cli, "show what could not be read, or try it again"),
        ("evidence", evidence_cli, "pictures kept with alarms; learn a camera's view anew"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        part.add_arguments(sub, _CONFIG)
        sub.set_defaults(command=part.run)
    text = "print what a node measured as a trace for `haidang replay`"
    recorded = commands.add_parser("trace", help=text, description=text)
    trace_cli.add_arguments(recorded, _CONFIG)
    recorded.set_defaults(command=trace_cli.run)
    text = "official flood levels as signed data"
    levels = commands.add_parser("levels", help=text, description=text)
    levels_cli.add_arguments(levels, _CONFIG)
    text = "open a camera or a video file once and tell what comes"
    camera = commands.add_parser("camera", help=text, description=text)
    camera.add_argument("address", metavar="ADDRESS", help="a file, rtsp://, http:// or tcp://")
    camera.set_defaults(command=_camera)
    text = "the city's certificate authority: who may speak to its brokers"
    authority = commands.add_parser("ca", help=text, description=text)
    pki_cli.add_arguments(authority)
    authority.set_defaults(command=pki_cli.run)
    return parser


def _add_plain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, command, text in (
        ("run", _run, "run the gateway"),
        ("check", _check, "check the configuration and tell every mistake"),
        ("ledger", _ledger, "show what came, was lost and why, by node and day"),
        ("alarms", _alarms, "show which sources raised false alarms, by month"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        add_config(sub, _CONFIG)
        sub.set_defaults(command=command)
        if command is _check:
            told = "shake hands with the broker of each destination as well"
            sub.add_argument("--connect", action="store_true", help=told)
        if command is _ledger:
            sub.add_argument("--json", action="store_true", help="all sums as one JSON object")
            days = "the newest N days alone; with --json one row for each node and day"
            sub.add_argument("--days", type=int, default=0, metavar="N", help=days)


def _run(options: argparse.Namespace) -> int:
    journal.set_up(_log_level())
    settings = load(options.config)
    status = 0
    try:
        asyncio.run(_run_until_stopped(App(settings, Clock(), Watchdog())))
    except* GatewayError as group:
        for error in group.exceptions:
            _log.critical("the gateway cannot go on: %s", error)
        status = 1
    return status


def _log_level() -> str:
    wanted = os.environ.get("HAIDANG_LOG", "INFO").upper()
    levels = logging.getLevelNamesMapping()
    if wanted not in levels:
        raise ConfigError((f"HAIDANG_LOG={wanted}: write one of {', '.join(levels)}",))
    return wanted


async def _run_until_stopped(app: App) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def stop_now() -> None:
        stop.set()
        loop.call_later(_STOP_S, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_now)
    _collect_seldom()
    await app.run(stop)


def _collect_seldom() -> None:
    """A tenth of the work on a pack was looking for cycles among what stays for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def _check(options: argparse.Namespace) -> int:
    # With them come the libraries of certificates and models.
    from haidang_gateway import check_connect, check_machine, config_files  # noqa: PLC0415

    settings = load(options.config)
    now_ms = Clock().now_ms()
    if problems := (*config_files.problems(settings, now_ms), *check_machine.problems(settings)):
        raise ConfigError(problems)
    if options.connect and (problems := tuple(check_connect.problems(settings))):
        raise ConfigError(problems)
    for text in (
        *config_files.expiring(settings, now_ms),
        *identities.troubles(settings, now_ms),
        *check_machine.warnings(settings),
    ):
        _say(f"warning: {text}")
    _say(
        f"{options.config}: no mistakes; {len(settings.places)} places, "
        f"{len(settings.nodes)} nodes, {len(settings.cameras)} cameras"
    )
    return 0


def _camera(options: argparse.Namespace) -> int:
    # PyAV and numpy, which only this command needs here.
    from haidang_gateway.vision.camera import frames  # noqa: PLC0415

    first = next(frames(options.address), None)
    if first is None:
        raise CameraError("the camera was opened, but sends no pictures; take another source")
    _say(f"a picture came, {first.width} x {first.height}")
    return 0


def _alarms(options: argparse.Namespace) -> int:
    for line in tally_view.lines(load(options.config).data_dir):
        _say(line)
    return 0


def _ledger(options: argparse.Namespace) -> int:
    settings = load(options.config)
    folder = settings.data_dir
    if options.json and options.days > 0:
        _say(json.dumps(ledger_view.by_day(folder, options.days)))
        return 0
    if options.json:
        _say(json.dumps(ledger_view.sums(folder)))
        return 0
    for line in ledger_view.lines(folder, max(options.days, 0)):
        _say(line)
    for line in (
        *identities.unheard(settings),
        *identities.troubles(settings, Clock().now_ms()),
        *destinations_view.lines(settings),
    ):
        _say(line)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
