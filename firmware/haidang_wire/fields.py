"""Field tables: what a message's fields must be, checked and written in one order.

A table is a tuple of (name, required, type, limit); or (field name, {value: table}) where one
field's value chooses the table. Types and their limits:
`int` `num` (lowest, highest); `str` (shortest, longest); `word` words; `version` number; `bool`;
`form` function(text) -> bool; `obj` table; `list` (type, limit, fewest, most);
`map` (type, limit, most); `any` free object; `scalar` longest text; `pack` function(records);
`ranges` most; `drops` most. A `?` after the type allows null.
"""

from haidang_wire.errors import MessageError, NewerVersion
from haidang_wire.jsontext import is_plain, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

SEQUENCE_END = 0xFFFFFFFF
_SHOWN = 60


def check_table(table: "Any", doc: "Any", where: str) -> None:
    """MessageError at the first field of `doc` that breaks `table`."""
    if not isinstance(doc, dict):
        raise _wrong(where, "an object", doc)
    table = chosen(table, doc, where)
    for name, required, kind, limit in table:
        if name in doc:
            _check_value(kind, limit, doc[name], where + "." + name)
        elif required:
            raise MessageError("%s.%s is missing" % (where, name))
    known = [field[0] for field in table]
    for name in doc:
        if name not in known and not (isinstance(name, str) and is_plain(doc[name])):
            raise MessageError("%s.%s is nested too deep" % (where, name))


def write_table(table: "Any", doc: "Any") -> str:
    """Compact JSON of a checked `doc`: fields in the table's order, unknown ones last."""
    table = chosen(table, doc, "")
    members = [
        '"' + name + '":' + _write_value(kind, limit, doc[name])
        for name, _, kind, limit in table
        if name in doc
    ]
    known = [field[0] for field in table]
    others = sorted([name for name in doc if name not in known])
    members.extend([write(name) + ":" + write(doc[name]) for name in others])
    return "{" + ",".join(members) + "}"


def chosen(table: "Any", doc: "Any", where: str) -> "Any":
    """The table for this document, where one field chooses among several."""
    if not (table and isinstance(table[0], str)):
        return table
    name, tables = table
    if name not in doc:
        raise MessageError("%s.%s is missing" % (where, name))
    value = doc[name]
    if not isinstance(value, (str, bool)) or value not in tables:
        words = ", ".join([str(word) for word in tables])
        raise _wrong(where + "." + name, "one of " + words, value)
    return tables[value]


def _check_value(kind: str, limit: "Any", value: "Any", where: str) -> None:
    if kind[-1] == "?":
        if value is None:
            return
        kind = kind[:-1]
    if kind == "obj":
        check_table(limit, value, where)
    elif kind == "list":
        _check_list(limit, value, where)
    elif kind == "version":
        _check_version(limit, value, where)
    else:
        expected = SIMPLE[kind](limit, value)
        if expected:
            raise _wrong(where, expected, value)


def _check_list(limit: "Any", value: "Any", where: str) -> None:
    kind, item_limit, fewest, most = limit
    if not isinstance(value, list) or not fewest <= len(value) <= most:
        raise _wrong(where, "a list of %d to %d" % (fewest, most), value)
    for i, item in enumerate(value):
        _check_value(kind, item_limit, item, "%s[%d]" % (where, i))


def _check_version(limit: int, value: "Any", where: str) -> None:
    if _integer((1, SEQUENCE_END), value):
        raise _wrong(where, "version %d" % limit, value)
    if value > limit:
        raise NewerVersion("%s: version %d, this program knows %d" % (where, value, limit))


def _integer(limit: "Any", value: "Any") -> "str | None":
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and limit[0] <= value <= limit[1]:
        return None
    return "a whole number from %d to %d" % (limit[0], limit[1])


def _string(limit: "Any", value: "Any") -> "str | None":
    if isinstance(value, str) and limit[0] <= len(value) <= limit[1]:
        return None
    return "text of %d to %d characters" % (limit[0], limit[1])


def _word(limit: "Any", value: "Any") -> "str | None":
    if isinstance(value, str) and value in limit:
        return None
    return "one of " + str(", ".join(limit))


def _boolean(_: "Any", value: "Any") -> "str | None":
    return None if isinstance(value, bool) else "true or false"


def _form(limit: "Any", value: "Any") -> "str | None":
    if isinstance(value, str) and limit(value):
        return None
    return "the form of " + str(limit.__name__)


def _any(_: "Any", value: "Any") -> "str | None":
    if isinstance(value, dict) and is_plain(value):
        return None
    return "an object of at most 8 levels"


def _ranges(limit: int, value: "Any") -> "str | None":
    if _are_ranges(value, limit, 2):
        return None
    return "at most %d rising pairs [lo,hi]" % limit


def _drops(limit: int, value: "Any") -> "str | None":
    if _are_ranges(value, limit, 3):
        return None
    return "at most %d rising triples [lo,hi,cause]" % limit


def _are_ranges(value: "Any", most: int, width: int) -> bool:
    if not isinstance(value, list) or len(value) > most:
        return False
    above = -1
    for item in value:
        if not isinstance(item, list) or len(item) != width:
            return False
        if _integer((above + 1, SEQUENCE_END), item[0]):
            return False
        if _integer((item[0], SEQUENCE_END), item[1]):
            return False
        if width == 3 and _string((1, 16), item[2]):
            return False
        above = item[1]
    return True


def _write_value(kind: str, limit: "Any", value: "Any") -> str:
    if value is None:
        return "null"
    if kind[-1] == "?":
        kind = kind[:-1]
    if kind == "obj":
        return write_table(limit, value)
    if kind == "list":
        return "[" + ",".join([_write_value(limit[0], limit[1], item) for item in value]) + "]"
    return write(value)


def _wrong(where: str, expected: str, found: object) -> MessageError:
    return MessageError("%s: expected %s, found %s" % (where, expected, _shown(found)))


def _shown(found: object) -> str:
    # Never the whole of something big: on a node there may be no room to print it.
    if isinstance(found, str):
        return repr(found[:_SHOWN])
    if isinstance(found, (list, dict)):
        return "%d items" % len(found)
    return repr(found)[:_SHOWN]


# type: function(limit, value) -> what was expected, or None; `document_fields` adds its own
SIMPLE: "dict[str, Any]" = {
    "int": _integer,
    "str": _string,
    "word": _word,
    "bool": _boolean,
    "form": _form,
    "any": _any,
    "ranges": _ranges,
    "drops": _drops,
}
