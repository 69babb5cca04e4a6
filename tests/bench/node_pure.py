"""The node's pure sensors for the benches, in CPython: with MicroPython's few names they use."""

import importlib
import sys
import types
from typing import Any

_SHIM = types.ModuleType("micropython")
_SHIM.const = lambda number: number  # type: ignore[attr-defined]


def flood(settings: dict[str, Any], readinto: Any) -> Any:
    """The node's Flood."""
    return _module("sensors.flood").Flood(settings, readinto)


def smoke(settings: dict[str, Any], read_mv: Any) -> Any:
    """The node's Smoke, without contact and siren."""
    return _module("sensors.smoke").Smoke(settings, read_mv)


def footfall(settings: dict[str, Any], readinto: Any) -> Any:
    """The node's Footfall."""
    return _module("sensors.footfall").Footfall(settings, readinto)


def ladder(*arguments: Any) -> Any:
    """The node's Ladder, for candidates."""
    return _module("sensors.states").Ladder(*arguments)


def _module(name: str) -> Any:
    sys.modules.setdefault("micropython", _SHIM)
    return importlib.import_module(f"haidang_node.{name}")
