"""What all tests share: where things lie, free ports, and guards against leaks."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from waiting import DEADLINE_S

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# The files that take longest, each its tens of seconds: begun first, none runs alone at the end.
_LONGEST = (
    "node/test_staying_alive.py",
    "node/test_orders_on_board.py",
    "e2e/test_nothing_lost.py",
    "node/test_on_board.py",
    "e2e/test_demo.py",
    "e2e/test_commands_on_boards.py",
    "e2e/test_real_clips.py",
    "e2e/test_demo_end.py",
    "chaos/test_chaos.py",
    "node/test_on_battery.py",
    "node/test_serial_board.py",
    "node/upy_outbox_flash.py",
    "node/test_wifi_on_board.py",
    "node/test_power_cuts.py",
    "node/test_keeping_a_day.py",
    "node/test_footfall_leaks.py",
    "bench/test_bench_node.py",
    "gateway/test_process.py",
)


# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("haidang", deadline=None)
hypothesis.settings.load_profile("haidang")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first."""
    place = {ROOT / "tests" / name: at for at, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_configure() -> None:
    """Hear Ctrl-C although a shell has started the tests in the background, and let children."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # And so does nohup with this one.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled pictures and clips that lie beside some checkouts; skips without them."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the labelled pictures and clips do not lie beside this checkout")
    return SHARED_DATA


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session", autouse=True)
def folder_of_both_runtimes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where tests that run on both interpreters put their files; MicroPython inherits it."""
    os.environ["HAIDANG_TEST_DIR"] = str(tmp_path_factory.mktemp("both"))


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fails a test that leaves a thread of its own behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + DEADLINE_S / 4
    while leaked := [t for t in threading.enumerate() if t not in before and t.is_alive()]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {[t.name for t in leaked]}")
        leaked[0].join(timeout=0.1)


@pytest.fixture(autouse=True)
def logs_are_well_formed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test whose code formats a log record wrongly."""

    def refuse(_handler: logging.Handler, record: logging.LogRecord) -> None:
        raise AssertionError(f"badly formatted log record: {record.msg!r} {record.args!r}")

    monkeypatch.setattr(logging.Handler, "handleError", refuse)
