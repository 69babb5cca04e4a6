"""Reading SenML packs: what the gateway, the tools and the tests need and a node does not."""

from haidang_wire.errors import PackError, TopicError
from haidang_wire.jsontext import read, write
from haidang_wire.names import known
from haidang_wire.naming import is_epoch, only
from haidang_wire.senml import (
    BVER,
    MAXIMUM_PACK_BYTES,
    MAXIMUM_RECORDS,
    MAXIMUM_UNIX_MS,
    MAXIMUM_UPTIME_MS,
    MAXIMUM_VALUE,
    Pack,
    Record,
    field_of,
    seconds_text,
)
from haidang_wire.senml_cbor_reading import is_cbor, json_of
from haidang_wire.topics import node_of_base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

_UINT32 = 0xFFFFFFFF
_MAXIMUM_NAME = 64
_MAXIMUM_TEXT = 256
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:./_"
_ORDER = ("bver", "bn", "bt", "he", "hb", "hs", "hu", "n", "u", "v", "vs", "vb")
_VALUES = ("v", "vs", "vb")
_ONCE = ("bver", "bn", "he", "hb", "hs")
# SenML fields that would change a value or its time; no node of this version sends them.
_REFUSED = ("t", "ut", "s", "vd", "bu", "bv", "bs")


def decode(data: bytes) -> Pack:
    """The pack in `data`; PackError with the reason."""
    return pack_of(_items(data))


def pack_of(items: "Any") -> Pack:
    """The pack in parsed SenML records; PackError with the reason."""
    if not isinstance(items, list) or not 1 <= len(items) <= MAXIMUM_RECORDS:
        raise PackError("a pack is a list of 1 to %d records" % MAXIMUM_RECORDS)
    for i, item in enumerate(items):
        _check_fields(item, i)
    first = items[0]
    node, epoch = _identity(first)
    boot = _whole(first, 0, "hb", _UINT32)
    seq = _whole(first, 0, "hs", _UINT32)
    up_ms = _whole(first, 0, "hu", MAXIMUM_UPTIME_MS)
    unix_ms = _base_time(first, 0) if "bt" in first else None
    records = []
    now_ms = up_ms
    for i, item in enumerate(items):
        if i and ("hu" in item or "bt" in item):
            now_ms = _uptime(item, i, up_ms, unix_ms)
        records.append(_record(item, i, now_ms))
    return Pack(node, epoch, boot, seq, up_ms, unix_ms, records)


def rewritten(data: bytes, unix_ms: int) -> bytes:
    """The same records with `unix_ms` as the time of the first; PackError."""
    items = _items(data)
    base_ms = pack_of(items).up_ms - unix_ms
    return ("[" + ",".join([_written(item, base_ms) for item in items]) + "]").encode()


def _items(data: bytes) -> "Any":
    if is_cbor(data):
        data = json_of(data)
    return read(data, MAXIMUM_PACK_BYTES, PackError)


def _written(item: "dict[str, Any]", base_ms: int) -> str:
    members = []
    for field in _ORDER:
        if field == "bt" and "hu" in item:
            members.append('"bt":' + seconds_text(item["hu"] - base_ms))
        elif field in item:
            members.append('"%s":%s' % (field, write(item[field])))
    others = sorted([field for field in item if field not in _ORDER])
    members.extend([write(field) + ":" + write(item[field]) for field in others])
    return "{" + ",".join(members) + "}"


def _check_fields(item: "Any", i: int) -> None:
    if not isinstance(item, dict):
        raise PackError("record %d is no object" % i)
    for field in item:
        # RFC 8428 section 4.4: a field ending in _ must be understood.
        if field in _REFUSED or field[-1:] == "_" or (i and field in _ONCE):
            raise PackError("record %d: field %s is not allowed here" % (i, repr(field)[:40]))
        if isinstance(item[field], (dict, list)) or item[field] is None:
            raise PackError("record %d: field %s is no plain value" % (i, repr(field)[:40]))


def _identity(first: "dict[str, Any]") -> tuple[str, str]:
    if _whole(first, 0, "bver", 1000) != BVER:
        raise PackError("record 0: bver is %d, this program knows %d" % (first["bver"], BVER))
    name = first.get("bn")
    epoch = first.get("he")
    if not isinstance(name, str):
        raise PackError("record 0: bn (base name) is missing or no text")
    if not isinstance(epoch, str) or not is_epoch(epoch):
        raise PackError("record 0: he (epoch) is not 8 hex digits")
    try:
        return node_of_base_name(name), epoch
    except TopicError as cause:
        raise PackError("record 0: %s" % cause) from cause


def _whole(item: "dict[str, Any]", i: int, field: str, highest: int) -> int:
    value = item.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        found = "missing" if value is None else repr(value)[:40]
        raise PackError("record %d: %s is %s, not 0 to %d" % (i, field, found, highest))
    return value


def _base_time(item: "dict[str, Any]", i: int) -> int:
    seconds = item["bt"]
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
        if isinstance(seconds, int) and 0 <= seconds <= MAXIMUM_UNIX_MS // 1000:
            return seconds * 1000
        if 0 <= seconds <= MAXIMUM_UNIX_MS / 1000:
            return int(seconds * 1000 + 0.5)
    raise PackError("record %d: bt is %s, no Unix time in s" % (i, repr(seconds)[:40]))


def _uptime(item: "dict[str, Any]", i: int, first_ms: int, unix_ms: "int | None") -> int:
    # Readers of plain SenML follow bt, ours follow hu: both must tell the same time.
    now_ms = _whole(item, i, "hu", MAXIMUM_UPTIME_MS)
    if ("bt" in item) != (unix_ms is not None):
        raise PackError("record %d: bt must be in all records with hu or in none" % i)
    if unix_ms is not None and abs(_base_time(item, i) - unix_ms - now_ms + first_ms) > 1:
        raise PackError("record %d: bt and hu tell different times" % i)
    return now_ms


def _record(item: "dict[str, Any]", i: int, up_ms: int) -> Record:
    name = item.get("n")
    if not isinstance(name, str) or not _is_name(name):
        raise PackError("record %d: n is %s, no SenML name" % (i, repr(name)[:40]))
    fields = [field for field in _VALUES if field in item]
    if len(fields) != 1:
        raise PackError("record %d: needs exactly one of v, vs, vb" % i)
    value = item[fields[0]]
    if field_of(value) != fields[0]:
        raise PackError("record %d: %s is %s" % (i, fields[0], repr(value)[:40]))
    _check_value(i, name, value)
    _check_known(i, name, item, fields[0])
    return Record(name, value, up_ms)


def _check_value(i: int, name: str, value: "Any") -> None:
    if isinstance(value, str):
        if len(value) > _MAXIMUM_TEXT:
            raise PackError("record %d: %s is text above %d" % (i, name, _MAXIMUM_TEXT))
    elif not -MAXIMUM_VALUE <= value <= MAXIMUM_VALUE:
        raise PackError("record %d: %s is out of range" % (i, name))


def _check_known(i: int, name: str, item: "dict[str, Any]", field: str) -> None:
    row = known(name)
    if row is None:
        return
    unit, wanted, words = row
    if field != wanted:
        raise PackError("record %d: %s needs %s, not %s" % (i, name, wanted, field))
    if item.get("u", unit) != unit:
        raise PackError("record %d: unit of %s is %s, not %s" % (i, name, unit, item["u"]))
    if words and item[field] not in words:
        raise PackError("record %d: %s is %s" % (i, name, repr(item[field])[:40]))


def _is_name(name: str) -> bool:
    if not 1 <= len(name) <= _MAXIMUM_NAME or name[0] in "-:./_":
        return False
    return only(name, _NAME_CHARACTERS)
