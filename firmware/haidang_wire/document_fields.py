"""Field types that only documents have: added to `fields`, never loaded on a node."""

from haidang_wire.errors import PackError
from haidang_wire.fields import SIMPLE
from haidang_wire.jsontext import is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)


def add_types() -> None:
    """Make the documents' types known to `fields`."""
    SIMPLE.update({"num": _number, "scalar": _scalar, "map": _map, "pack": _pack})


def _number(limit: "Any", value: "Any") -> "str | None":
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and limit[0] <= value <= limit[1]:
        return None
    return "a number from %s to %s" % (limit[0], limit[1])


def _scalar(limit: int, value: "Any") -> "str | None":
    if isinstance(value, str):
        fits = len(value) <= limit
    else:
        fits = isinstance(value, (bool, int, float)) and is_plain(value)
    return None if fits else "a number, true, false or text of at most %d characters" % limit


def _map(limit: "Any", value: "Any") -> "str | None":
    kind, item_limit, most = limit
    if not isinstance(value, dict) or len(value) > most:
        return "an object of at most %d fields" % most
    for key in value:
        expected: str | None = SIMPLE[kind](item_limit, value[key])
        if expected:
            return "in every field " + expected
    return None


def _pack(limit: "Any", value: "Any") -> "str | None":
    try:
        limit(value)
    except PackError as problem:
        return "a SenML pack (%s)" % problem
    return None
