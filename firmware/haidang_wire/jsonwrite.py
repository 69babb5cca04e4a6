"""JSON out, the same on both interpreters."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

# The two interpreters' json differ, and so do their stubs.
JSON: "Any" = json


def _settle() -> bool:
    # MicroPython's json takes no options, knows no NaN and keeps non-ASCII as it is.
    try:
        JSON.loads("0", parse_float=float)
    except TypeError:
        return False
    return True


HAS_OPTIONS = _settle()


def write(value: object) -> str:
    """Compact JSON; the keys of an object sorted, so that equal values give equal bytes."""
    if isinstance(value, dict):
        members = [_dumps(key) + ":" + write(value[key]) for key in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([write(item) for item in value]) + "]"
    return _dumps(value)


def _dumps(value: object) -> str:
    if HAS_OPTIONS:
        text = JSON.dumps(value, ensure_ascii=False, allow_nan=False)
    else:
        text = JSON.dumps(value)
    return str(text)
