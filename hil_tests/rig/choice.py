"""Which bench the command line asks for; what is wrong with it is said before any test."""

from pathlib import Path

import pytest

from rig.bench import Bench
from rig.errors import RigFileWrong
from rig.real import Surroundings, board_alone, full_rig
from rig.rig_file import load
from rig.virtual import VirtualBench


def add_options(parser: pytest.Parser) -> None:
    """The bench's options; without --port and --rig the virtual board."""
    group = parser.getgroup("hil", "hardware in the loop (hil_tests)")
    group.addoption("--port", help="a real board's serial port; WHAT IS ON THE BOARD IS ERASED")
    group.addoption("--rig", help="a rig file (hil_tests/rig.example.toml) instead of --port")
    group.addoption("--broker-host", help="this computer's IPv4 address as the board sees it")
    group.addoption("--broker-port", help="its port, to be let through a firewall")
    group.addoption("--wifi-ssid", help="Wi-Fi the board joins")
    group.addoption("--wifi-key", default="", help="its key; none for an open network")
    group.addoption(
        "--unattended", action="store_true", help="nobody is asked; what needs a person is skipped"
    )
    group.addoption("--soak", action="store_true", help="the soak lasts its full 72 hours")
    group.addoption("--hil-trace", help="a recorded trace to play, see docs/sensors/README.md")
    group.addoption("--hil-results", help="result file, JSON lines (.cache/hil-results.jsonl)")


def option(config: pytest.Config, name: str) -> str:
    """An option's text; empty where it was not given.

    Without a default, pytest raises where the options came after the command line was read.
    """
    value: str | None = config.getoption(name, default=None)
    return value or ""


def chosen(config: pytest.Config) -> Bench:
    """The bench of this run; UsageError names everything that is missing or wrong."""
    port, rig = option(config, "--port"), option(config, "--rig")
    if not port and not rig:
        return VirtualBench()
    if port and rig:
        raise pytest.UsageError("--port and --rig exclude each other: the rig file names the port")
    if config.getoption("numprocesses", default=None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("a real board cannot be shared: run without -n")
    return _from_rig(config, rig) if rig else _from_port(config, port)


def _from_rig(config: pytest.Config, rig: str) -> Bench:
    try:
        described = load(Path(rig))
    except RigFileWrong as error:
        raise pytest.UsageError(*error.problems) from error
    return full_rig(described, unattended=bool(option(config, "--unattended")))


def _from_port(config: pytest.Config, port: str) -> Bench:
    names = ("--broker-host", "--broker-port", "--wifi-ssid", "--wifi-key")
    host, broker_port, ssid, key = (option(config, name) for name in names)
    if not host or not ssid:
        raise pytest.UsageError(
            "--port needs --broker-host (this computer's address in the board's network) and "
            "--wifi-ssid (with --wifi-key)"
        )
    if host.startswith("127.") or host == "localhost":
        raise pytest.UsageError(f"--broker-host {host}: a board cannot reach this; see `ip addr`")
    if broker_port and not broker_port.isdigit():
        raise pytest.UsageError(f"--broker-port {broker_port}: a port is a number such as 8883")
    return board_alone(port, Surroundings(host, int(broker_port or 0) or None, ssid, key))
