"""The SenML names of the contract, with their units and words."""

from haidang_wire.words import (
    FLOOD_STATES,
    FOOTFALL_SOURCES,
    SENSOR_HEALTH,
    SENSORS,
    SMOKE_STATES,
)

_TRUTH = (None, "vb", None)
_COUNT = ("count", "v", None)
_MILLIVOLTS = ("mV", "v", None)
_BYTES = ("B", "v", None)
_HEALTH = (None, "vs", SENSOR_HEALTH)

# name: (unit or None, value field, words or None)
NAMES: "dict[str, tuple[str | None, str, tuple[str, ...] | None]]" = {
    "smoke/mv": _MILLIVOLTS,
    "smoke/ratio": ("/", "v", None),
    "smoke/contact": _TRUTH,
    "smoke/state": (None, "vs", SMOKE_STATES),
    "flood/level": ("mm", "v", None),
    "flood/rate": ("mm/h", "v", None),
    "flood/to_next": ("s", "v", None),
    "flood/float": _TRUTH,
    "flood/state": (None, "vs", FLOOD_STATES),
    "footfall/devices": _COUNT,
    "footfall/low": _COUNT,
    "footfall/high": _COUNT,
    "footfall/suppressed": _TRUTH,
    "footfall/frames": _COUNT,
    "footfall/window": ("s", "v", None),
    "footfall/source": (None, "vs", FOOTFALL_SOURCES),
    "env/temp": ("Cel", "v", None),
    "env/rh": ("%RH", "v", None),
    "node/heap_free": _BYTES,
    "node/heap_min": _BYTES,
    "node/idf_free": _BYTES,
    "node/idf_largest": _BYTES,
    "node/rssi": ("dBm", "v", None),
    "node/queue": _COUNT,
    "node/dropped": _COUNT,
    "node/supply": _MILLIVOLTS,
}
for _sensor in SENSORS:
    NAMES[_sensor + "/health"] = _HEALTH
