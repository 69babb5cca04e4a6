"""Chooses the bench by the command line, and gives each test a broker and a node at rest."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from haidang_tools.brokers import Broker, certificates
from rig.bench import FAST_TIME, Bench
from rig.choice import add_options, chosen, option
from rig.node import Node
from rig.report import Report

_BENCH = pytest.StashKey[Bench]()
_REPORT = pytest.StashKey[Report]()
_RESULTS = ".cache/hil-results.jsonl"
_CONSOLE_SHOWN = 6000
_LOOPBACK = "127.0.0.1"
# A board on the Wi-Fi must reach it; clients without our certificate are refused.
_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which bench; without --port and --rig the virtual board."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the bench; say at once what is missing on the command line."""
    config.addinivalue_line("markers", "needs(*capabilities): skipped on a bench without them")
    config.addinivalue_line("markers", "soak: lasts 72 hours of the board's time with --soak")
    bench = chosen(config)
    config.stash[_BENCH] = bench
    path = Path(option(config, "--hil-results") or config.rootpath / _RESULTS)
    config.stash[_REPORT] = Report(path, bench)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Outcomes(config.stash[_REPORT]), "hil-report")


def pytest_report_header(config: pytest.Config) -> str:
    """Which bench runs which firmware."""
    return config.stash[_REPORT].header


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --soak every test has the usual time; with it the soak has all it needs."""
    for item in items:
        if option(config, "--soak") and item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(0))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this bench cannot do, with the bench's own reason."""
    lacks = dict(item.config.stash[_BENCH].lacks)
    if option(item.config, "--soak") and item.get_closest_marker("soak"):
        lacks.pop(FAST_TIME, None)  # whoever asks for it waits for it
    for marker in item.iter_markers("needs"):
        for capability in marker.args:
            if capability in lacks:
                pytest.skip(f"needs {capability}: {lacks[capability]}")


class _Outcomes:
    """Hears of every outcome, in the process that the user started."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Into the result file."""
        self._report.take(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Which bench ran what."""
        lines = self._report.summary()
        if lines:
            terminalreporter.section("hil_tests")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def bench(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """The bench of this run."""
    bench = pytestconfig.stash[_BENCH]
    try:
        bench.open(tmp_path_factory.mktemp("bench"))
        yield bench
    finally:
        bench.close()


@pytest.fixture(scope="session")
def line(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Authority and broker of this run, not started."""
    folder = tmp_path_factory.mktemp("line")
    certificates(folder / "ca", "broker-gateway", "gw-01", "gw-01-alarm")
    return Broker(
        "gateway",
        folder / "ca",
        folder / "broker",
        bench.broker_port,
        address=_LOOPBACK if bench.host == _LOOPBACK else _ALL_ADDRESSES,
    )


@pytest.fixture
def broker(line: Broker) -> Iterator[Broker]:
    """The broker, started without memories of another test."""
    with line:
        yield line


@pytest.fixture
def node(
    bench: Bench,
    broker: Broker,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Iterator[Node]:
    """The node, neither prepared nor started; a failed test shows its console."""
    bench.rest()
    node = Node(bench, broker, tmp_path, record_property)
    yield node
    bench.rest()
    node.stop()
    print(f"--- console ({node.record})\n{node.console[-_CONSOLE_SHOWN:]}")  # noqa: T201
