"""JSON in and out with the same strictness on both interpreters."""

import json

from haidang_wire.utf8 import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.errors import WireError

# Deeper free-form content could exhaust the stack of whoever writes it again.
MAXIMUM_DEPTH = 8


def read(data: bytes, maximum_bytes: int, error: "type[WireError]") -> "Any":
    """The value in `data`; raises `error` on size, UTF-8, syntax, NaN or lone surrogates."""
    if len(data) > maximum_bytes:
        raise error("%d bytes, at most %d allowed" % (len(data), maximum_bytes))
    try:
        text = text_of(data)
        value = _loads(text)
        if "\\u" in text:
            _refuse_surrogates(value)
    except (ValueError, RuntimeError) as cause:
        # RuntimeError: nesting beyond the interpreter's stack
        raise error("no valid JSON: %s" % cause) from cause
    except MemoryError as cause:
        raise error("no memory to read %d bytes of JSON" % len(data)) from cause
    return value


def write(value: object) -> str:
    """Compact JSON; the keys of an object sorted, so that equal values give equal bytes."""
    if isinstance(value, dict):
        members = [_dumps(key) + ":" + write(value[key]) for key in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([write(item) for item in value]) + "]"
    return _dumps(value)


def is_plain(value: object, depth: int = MAXIMUM_DEPTH) -> bool:
    """Whether `value` is JSON of at most `depth` levels with finite numbers."""
    if value is None or isinstance(value, (bool, int, str)):
        return True
    if isinstance(value, float):
        return -_HUGE < value < _HUGE
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(value[key], depth - 1) for key in value)
    if isinstance(value, (list, tuple)):
        return all(is_plain(item, depth - 1) for item in value)
    return False


_HUGE = float("inf")


def _finite(text: str) -> float:
    value = float(text)
    if not -_HUGE < value < _HUGE:
        raise ValueError("number %s is too big" % text[:20])
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError("%s is no JSON" % name)


# The two interpreters' json differ, and so do their stubs.
_json: "Any" = json


def _settle() -> bool:
    # MicroPython's json takes no options, knows no NaN and keeps non-ASCII as it is.
    try:
        _json.loads("0", parse_float=float)
    except TypeError:
        return False
    return True


_HAS_OPTIONS = _settle()


def _loads(text: str) -> "Any":
    if _HAS_OPTIONS:
        return _json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
    return _json.loads(text)


def _dumps(value: object) -> str:
    if _HAS_OPTIONS:
        text = _json.dumps(value, ensure_ascii=False, allow_nan=False)
    else:
        text = _json.dumps(value)
    return str(text)


def _refuse_surrogates(value: object) -> None:
    if isinstance(value, str):
        for character in value:
            if 0xD800 <= ord(character) <= 0xDFFF:
                raise ValueError("half a surrogate pair")
    elif isinstance(value, dict):
        for key in value:
            _refuse_surrogates(key)
            _refuse_surrogates(value[key])
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
