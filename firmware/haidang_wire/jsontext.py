"""JSON in and out with the same strictness on both interpreters."""

from haidang_wire.jsonwrite import HAS_OPTIONS, JSON, write
from haidang_wire.utf8 import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

    from haidang_wire.errors import WireError

__all__ = ("is_plain", "read", "write")

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


def _loads(text: str) -> "Any":
    if HAS_OPTIONS:
        return JSON.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
    return JSON.loads(text)


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
