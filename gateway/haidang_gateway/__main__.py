"""Runs a gateway and looks after it; `haidang-gateway COMMAND -h` explains each command."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from haidang_gateway import (
    alarm_cli,
    audit_cli,
    destinations_view,
    journal,
    ledger_cli,
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
_WHERE_TO_LOOK = (
    "Hằng ngày: alarm list, ledger. Có sự cố: check, rồi docs/troubleshooting.md. "
    "Day by day: alarm list, ledger. Trouble: check, then docs/troubleshooting.md."
)
_EXIT_CONFIG = 2
_EXIT_CTRL_C = 130

_AddArguments = Callable[[argparse.ArgumentParser, Path], None]
_Run = Callable[[argparse.Namespace], int]


class _Part(Protocol):
    """What a module, or `_Own`, has to have for a command."""

    @property
    def add_arguments(self) -> _AddArguments: ...

    @property
    def run(self) -> _Run: ...


class _Own(NamedTuple):
    add_arguments: _AddArguments
    run: _Run


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
    parser = argparse.ArgumentParser(
        prog="haidang-gateway", description=__doc__, epilog=_WHERE_TO_LOOK
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, part, text in _parts():
        sub = commands.add_parser(name, help=text, description=text)
        part.add_arguments(sub, _CONFIG)
        sub.set_defaults(command=part.run)
    return parser


def _parts() -> tuple[tuple[str, _Part, str], ...]:
    """Each command's name, part and explanation, in the order of -h."""
    back_up = _Own(backup.add_arguments, backup.run_backup)
    restore = _Own(backup.add_arguments, backup.run_restore)
    camera = _Own(_add_camera, _camera)
    authority = _Own(lambda parser, _: pki_cli.add_arguments(parser), pki_cli.run)
    return (
        ("run", _Own(add_config, _run), "run the gateway"),
        ("check", _Own(_add_check, _check), "check the configuration and tell every mistake"),
        ("ledger", ledger_cli, "show what came, was lost and why, by node and day"),
        ("alarms", tally_view, "show which sources raised false alarms, by month"),
        ("node", node_cli, "give one node a command and print its answer"),
        ("alarm", alarm_cli, "see, acknowledge, dismiss or shelve alarms, report, exercise"),
        ("resend", destinations_view, "send once more what a destination refused"),
        ("audit", audit_cli, "check that the record of alarms and commands was not changed"),
        ("backup", back_up, "copy the database to FILE while the gateway runs"),
        ("restore", restore, "go on from a copy; the gateway must not run"),
        ("quarantine", quarantine_cli, "show what could not be read, or try it again"),
        ("evidence", evidence_cli, "pictures kept with alarms; learn a camera's view anew"),
        ("trace", trace_cli, "print what a node measured as a trace for `haidang replay`"),
        ("levels", levels_cli, "official flood levels as signed data"),
        ("camera", camera, "open a camera or a video file once and tell what comes"),
        ("ca", authority, "the city's certificate authority: who may speak to its brokers"),
    )


def _add_check(parser: argparse.ArgumentParser, config: Path) -> None:
    add_config(parser, config)
    told = "shake hands with the broker of each destination as well"
    parser.add_argument("--connect", action="store_true", help=told)


def _add_camera(parser: argparse.ArgumentParser, _: Path) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="a file, rtsp://, http:// or tcp://")


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
        *config_files.about_models(settings),
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


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
