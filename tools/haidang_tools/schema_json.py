"""JSON Schemas (2020-12) from the contract's field tables."""

from collections.abc import Callable
from typing import Any

from haidang_wire import documents, fields, naming, senml, vocabulary
from haidang_wire.messages import NODE_MESSAGES

from haidang_tools import contract_meanings as meanings
from haidang_tools import contract_topics as topics

Schema = dict[str, Any]

_EPOCH = "^[0-9a-f]{8}$"
_GATEWAY = "gw-[a-z0-9-]{1,45}"
# form: (pattern, further keywords)
_FORMS: dict[Callable[[str], bool], Schema] = {
    naming.is_epoch: {"pattern": _EPOCH},
    documents.epoch: {"pattern": _EPOCH},
    documents.node: {"pattern": "^n-[0-9a-f]{12}$"},
    documents.alarm_id: {"pattern": f"^{_GATEWAY}-[0-9a-f]{{8}}-[0-9]{{4,9}}$"},
    documents.message_id: {"pattern": f"^{_GATEWAY}/[0-9a-f]{{8}}/[1-9][0-9]{{0,14}}$"},
    documents.sha256_name: {"pattern": "^sha256:[0-9a-f]{64}$"},
    documents.iso_time: {
        "format": "date-time",
        "pattern": r"^(19[7-9]|[2-9]\d)\d+-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,3})?"
        r"(Z|[+-](0\d|1[0-4]):[0-5]\d)$",
    },
}
_SEQUENCE = {"type": "integer", "minimum": 0, "maximum": fields.SEQUENCE_END}


def tables() -> dict[str, Any]:
    """Kind of message: its field table."""
    found: dict[str, Any] = dict(NODE_MESSAGES)
    found.update({kind: table for kind, (table, _) in documents.DOCUMENTS.items()})
    return found


def schemas() -> dict[str, Schema]:
    """Kind of message: its whole schema; `pack` for the SenML packs."""
    found = {kind: _whole(kind, _Maker(kind).table(table)) for kind, table in tables().items()}
    found["pack"] = _whole("pack", pack_schema())
    return found


def variants(table: Any) -> tuple[str, dict[Any, Any]] | None:
    """The choosing field and its tables, where a table has them."""
    return (table[0], table[1]) if isinstance(table[0], str) else None


def pack_schema() -> Schema:
    """A SenML pack: its first record names it, later ones may restate the time."""
    first = {"required": ["bver", "bn", "he", "hb", "hs", "hu"]}
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": senml.MAXIMUM_RECORDS,
        "prefixItems": [{"allOf": [_record(), first]}],
        "items": _record(),
    }


def _whole(kind: str, body: Schema) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:haidang:1:{kind}",
        "title": kind,
        "description": meanings.MESSAGES[kind],
        **body,
    }


def _record() -> Schema:
    number = {"type": "number", "minimum": -senml.MAXIMUM_VALUE, "maximum": senml.MAXIMUM_VALUE}
    properties: dict[str, Any] = {
        "bver": {"const": senml.BVER},
        "bn": {"type": "string", "pattern": "^urn:dev:mac:[0-9a-f]{6}fffe[0-9a-f]{6}:?$"},
        "bt": {"type": "number", "minimum": 0, "maximum": senml.MAXIMUM_UNIX_MS / 1000},
        "he": {"type": "string", "pattern": _EPOCH},
        "hb": _SEQUENCE,
        "hs": _SEQUENCE,
        "hu": {"type": "integer", "minimum": 0, "maximum": senml.MAXIMUM_UPTIME_MS},
        "n": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}$"},
        "u": {"type": ["string", "number", "boolean"]},
        "v": number,
        "vs": {"type": "string", "maxLength": 256},
        "vb": {"type": "boolean"},
    }
    for name, meaning in topics.RECORD.items():
        properties[name] = {**properties[name], "description": meaning}
    for name in ("t", "ut", "s", "vd", "bu", "bv", "bs"):
        properties[name] = False
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {"_$": False},
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "required": ["n"],
        "oneOf": [{"required": [field]} for field in ("v", "vs", "vb")],
        "allOf": [_known(name) for name in vocabulary.NAMES],
    }


def _known(name: str) -> Schema:
    unit, field, words = vocabulary.NAMES[name]
    then: Schema = {"required": [field]}
    properties: Schema = {"u": {"const": unit} if unit else False}
    if words:
        properties[field] = {"enum": list(words)}
    then["properties"] = properties
    return {
        "if": {"properties": {"n": {"const": name}}, "required": ["n"]},
        "then": then,
    }


class _Maker:
    """Turns one kind's table into a schema, with the meaning of every field."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def table(self, table: Any, path: str = "") -> Schema:
        """A table, or the choice among several."""
        chosen = variants(table)
        if chosen is None:
            return self._object(table, path)
        field, several = chosen
        return {
            "type": "object",
            "properties": {field: {"enum": list(several)}},
            "required": [field],
            "allOf": [
                {
                    "if": {"properties": {field: {"const": value}}, "required": [field]},
                    "then": self._object(one, path),
                }
                for value, one in several.items()
            ],
        }

    def _object(self, table: Any, path: str) -> Schema:
        properties = {}
        for name, _, kind, limit in table:
            where = f"{path}.{name}" if path else name
            described = {"description": meanings.FIELDS[self._kind][where]}
            properties[name] = described | self._field(kind, limit, where)
        required = [name for name, needed, _, _ in table if needed]
        return {"type": "object", "properties": properties, "required": required}

    def _field(self, kind: str, limit: Any, where: str) -> Schema:
        if kind.endswith("?"):
            return {"anyOf": [{"type": "null"}, self._field(kind[:-1], limit, where)]}
        if kind == "obj":
            if limit is documents.ALARM:
                return _Maker("alarm").table(limit)
            return self.table(limit, where)
        if kind == "list":
            item, item_limit, fewest, most = limit
            items = self._field(item, item_limit, where + "[]")
            return {"type": "array", "items": items, "minItems": fewest, "maxItems": most}
        if kind == "map":
            item, item_limit, most = limit
            values = self._field(item, item_limit, where)
            return {"type": "object", "additionalProperties": values, "maxProperties": most}
        return _SIMPLE[kind](limit)


def _pairs(most: int) -> Schema:
    pair = {"type": "array", "items": _SEQUENCE, "minItems": 2, "maxItems": 2}
    return {"type": "array", "items": pair, "maxItems": most}


def _triples(most: int) -> Schema:
    cause = {"type": "string", "minLength": 1, "maxLength": 16}
    parts = [_SEQUENCE, _SEQUENCE, cause]
    triple = {"type": "array", "prefixItems": parts, "minItems": 3, "maxItems": 3}
    return {"type": "array", "items": triple, "maxItems": most}


_SIMPLE: dict[str, Callable[[Any], Schema]] = {
    "int": lambda limit: {"type": "integer", "minimum": limit[0], "maximum": limit[1]},
    "num": lambda limit: {"type": "number", "minimum": limit[0], "maximum": limit[1]},
    "str": lambda limit: {"type": "string", "minLength": limit[0], "maxLength": limit[1]},
    "word": lambda limit: {"enum": list(limit)},
    "version": lambda limit: {"const": limit},
    "bool": lambda _: {"type": "boolean"},
    "form": lambda limit: {"type": "string", **_FORMS[limit]},
    "any": lambda _: {"type": "object"},
    "scalar": lambda limit: {"type": ["number", "boolean", "string"], "maxLength": limit},
    "pack": lambda _: pack_schema(),
    "ranges": _pairs,
    "drops": _triples,
}
