"""The node's pure sensors for the benches, in CPython: with MicroPython's few names they use."""

import importlib
import sys
import types
from typing import Any

_SHIM = types.ModuleType("micropython")
_SHIM.const = lambda number: number  # type: ignore[attr-defined]


class _Nowhere:
    def call(self, path: str, function: str, *args: Any) -> None:
        """There is no flash."""


_NOWHERE = _Nowhere()


def flood(settings: dict[str, Any], meter: Any, air: Any = None, last: Any = None) -> Any:
    """The node's Flood."""
    return _module("sensors.flood").Flood(settings, meter, air, last)


def smoke(settings: dict[str, Any], read_mv: Any, air: Any = None, hours: int = 0) -> Any:
    """The node's Smoke, without contact and siren; `air` tells the weather."""
    return _module("sensors.smoke").Smoke(
        settings, read_mv, None, None, air, None, None, None, 0, hours
    )


def whole_smoke(*arguments: Any) -> Any:
    """The node's Smoke with all that may be wired to it."""
    return _module("sensors.smoke").Smoke(*arguments)


def smoke_minute(sensor: Any) -> None:
    """What the node's rounds do with a Smoke once a minute; nothing is written down."""
    sensor.marks = int(not sensor.gas.cold_s) | sensor.sources << 1
    learning = _module("sensors.smoke_minute")
    learning.loading = _NOWHERE
    learning.learn(sensor)


def footfall(settings: dict[str, Any], readinto: Any) -> Any:
    """The node's Footfall."""
    return _module("sensors.footfall").Footfall(settings, readinto)


def _module(name: str) -> Any:
    sys.modules.setdefault("micropython", _SHIM)
    return importlib.import_module(f"haidang_node.{name}")
