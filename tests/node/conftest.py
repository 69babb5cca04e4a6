"""Lets CPython import the node's pure parts: the few names of MicroPython that they use."""

import gc
import sys
import types

_SHIM = types.ModuleType("micropython")
_SHIM.const = lambda number: number  # type: ignore[attr-defined]
_SHIM.heap_lock = lambda: None  # type: ignore[attr-defined]
_SHIM.heap_unlock = lambda: None  # type: ignore[attr-defined]
sys.modules.setdefault("micropython", _SHIM)


def pytest_collection_finish() -> None:
    """Leaves what pytest has loaded out of the node's many collections: each would take 0.1 s."""
    gc.collect()
    gc.freeze()
