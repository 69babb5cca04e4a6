"""JSON out, the same on both interpreters."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

# The two interpreters' json differ, and so do their stubs.
JSON: "Any" = json


def _settle() -> "Any":
    # MicroPython's json takes no options, knows no NaN and keeps non-ASCII as it is.
    try:
        return JSON.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    except AttributeError:
        return JSON.dumps


_dumps = _settle()
HAS_OPTIONS = _dumps is not JSON.dumps


def write(value: object) -> str:
    """Compact JSON; the keys of an object sorted, so that equal values give equal bytes."""
    if isinstance(value, dict):
        members = [str(_dumps(key)) + ":" + write(value[key]) for key in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([write(item) for item in value]) + "]"
    # Most of what is written, and the dearest by the long way.
    if type(value) is int:
        return str(value)
    return str(_dumps(value))
