"""Chooses the bench by the command line, and gives each test a broker and a node at rest."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_tools import flash
from haidang_tools.brokers import Broker, certificates
from rig.bench import Bench, describe
from rig.node import Node
from rig.serial_port import SerialBench
from rig.virtual import VirtualBench

_BENCH = pytest.StashKey[Bench]()
_CONSOLE_SHOWN = 6000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which bench; without --port the virtual board."""
    group = parser.getgroup("hil", "hardware in the loop (hil_tests)")
    group.addoption("--port", help="a real board's serial port; WHAT IS ON THE BOARD IS ERASED")
    group.addoption("--broker-host", help="this computer's IPv4 address as the board sees it")
    group.addoption("--broker-port", help="its port, to be let through a firewall")
    group.addoption("--wifi-ssid", help="Wi-Fi the board joins")
    group.addoption("--wifi-key", default="", help="its key; none for an open network")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the bench; say at once what is missing on the command line."""
    config.addinivalue_line("markers", "needs(*capabilities): skipped on a bench without them")
    config.stash[_BENCH] = _chosen(config)


def pytest_report_header(config: pytest.Config) -> str:
    """Which bench runs which firmware."""
    return f"hil bench: {describe(config.stash[_BENCH])}; firmware {_firmware_hash()}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this bench cannot do, with the bench's own reason."""
    lacks = item.config.stash[_BENCH].lacks
    for marker in item.iter_markers("needs"):
        for capability in marker.args:
            if capability in lacks:
                pytest.skip(f"needs {capability}: {lacks[capability]}")


@pytest.fixture(scope="session")
def bench(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """The bench of this run."""
    bench = pytestconfig.stash[_BENCH]
    bench.open(tmp_path_factory.mktemp("bench"))
    yield bench
    bench.close()


_LOOPBACK = "127.0.0.1"
# A board on the Wi-Fi must reach it; clients without our certificate are refused.
_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104


@pytest.fixture(scope="session")
def line(
    bench: Bench, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Broker:
    """Authority and broker of this run, not started."""
    folder = tmp_path_factory.mktemp("line")
    certificates(folder / "ca", "broker-gateway", "gw-01", "gw-01-alarm")
    port = _option(pytestconfig, "--broker-port")
    return Broker(
        "gateway",
        folder / "ca",
        folder / "broker",
        int(port) if port else None,
        address=_LOOPBACK if bench.host == _LOOPBACK else _ALL_ADDRESSES,
    )


@pytest.fixture
def broker(line: Broker) -> Iterator[Broker]:
    """The broker, started without memories of another test."""
    with line:
        yield line


@pytest.fixture
def node(bench: Bench, broker: Broker, tmp_path: Path) -> Iterator[Node]:
    """The node, neither prepared nor started; a failed test shows its console."""
    bench.rest()
    node = Node(bench, broker, tmp_path)
    yield node
    bench.rest()
    node.stop()
    print(f"--- console ({node.record})\n{node.console[-_CONSOLE_SHOWN:]}")  # noqa: T201


def _chosen(config: pytest.Config) -> Bench:
    port, host, ssid, key = (
        _option(config, name) for name in ("--port", "--broker-host", "--wifi-ssid", "--wifi-key")
    )
    if not port:
        return VirtualBench()
    if not host or not ssid:
        raise pytest.UsageError(
            "--port needs --broker-host (this computer's address in the board's network) and "
            "--wifi-ssid (with --wifi-key)"
        )
    if host.startswith("127.") or host == "localhost":
        raise pytest.UsageError(f"--broker-host {host}: a board cannot reach this; see `ip addr`")
    return SerialBench(port, host, ssid, key or "")


def _option(config: pytest.Config, name: str) -> str | None:
    # Without a default, pytest raises where this file was loaded after the command line was read.
    value: str | None = config.getoption(name, default=None)
    return value


def _firmware_hash() -> str:
    digest = hashlib.sha256()
    for name, data in sorted(flash.application(flash.SOURCE).items()):
        digest.update(name.encode() + b"\0" + data)
    return digest.hexdigest()[:12]
