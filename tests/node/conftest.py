"""Lets CPython import the node's pure parts; a bench with broker and boards for a whole node."""

import gc
import sys
import types
from collections.abc import Iterator

import pytest
from stand_in_gateway import StandInGateway

from node_bench import Bench, Boards

_SHIM = types.ModuleType("micropython")
_SHIM.const = lambda number: number  # type: ignore[attr-defined]
_SHIM.heap_lock = lambda: None  # type: ignore[attr-defined]
_SHIM.heap_unlock = lambda: None  # type: ignore[attr-defined]
sys.modules.setdefault("micropython", _SHIM)
# Overwriting memory in place is MicroPython's; here it is a buffer that nobody reads.
_MEMORY = types.ModuleType("uctypes")
_MEMORY.addressof = id  # type: ignore[attr-defined]
_MEMORY.bytearray_at = lambda _address, size: bytearray(size)  # type: ignore[attr-defined]
sys.modules.setdefault("uctypes", _MEMORY)
# What MicroPython's collector tells; CPython's has no such figures.
for _name in ("mem_free", "mem_alloc"):
    setattr(gc, _name, lambda: 65536)


def pytest_collection_finish() -> None:
    """Leaves what pytest has loaded out of the node's many collections: each would take 0.1 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Broker and certificates for all tests of a file."""
    with Bench(tmp_path_factory.mktemp("bench")) as bench:
        yield bench


@pytest.fixture
def told_console(bench: Boards) -> Iterator[None]:
    """Prints the board's console where a test fails."""
    yield
    if bench.newest is not None:
        print(bench.newest.console.decode(errors="replace")[-6000:])


@pytest.fixture
def fresh_broker(bench: Bench, told_console: None) -> None:
    """A broker without retained messages."""
    bench.broker.stop()
    bench.broker.start()


@pytest.fixture
def gw(bench: Bench, fresh_broker: None) -> Iterator[StandInGateway]:
    """A gateway at the broker."""
    with bench.gateway() as gateway:
        yield gateway
