"""Lets CPython import the node's pure parts: the few names of MicroPython that they use."""

import sys
import types

_SHIM = types.ModuleType("micropython")
_SHIM.const = lambda number: number  # type: ignore[attr-defined]
_SHIM.heap_lock = lambda: None  # type: ignore[attr-defined]
_SHIM.heap_unlock = lambda: None  # type: ignore[attr-defined]
sys.modules.setdefault("micropython", _SHIM)
