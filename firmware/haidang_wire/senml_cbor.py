"""SenML packs as CBOR (RFC 8428, section 6): what a node on a serial link writes.

The same checks, names and units as in JSON; whole numbers and decimal fractions (RFC 8949,
tag 4), never floats.
"""

from haidang_wire.errors import PackError
from haidang_wire.naming import base_name
from haidang_wire.senml import (
    BVER,
    MAXIMUM_PACK_BYTES,
    MAXIMUM_UPTIME_MS,
    Fixed,
    Pack,
    Record,
    check_header,
    unit_and_field,
    whole,
)

UNSIGNED = 0
NEGATIVE = 1
TEXT = 3
ARRAY = 4
MAP = 5
TAG = 6
SIMPLE = 7
DECIMAL_FRACTION = 4
FALSE = 0xF4
TRUE = 0xF5

# RFC 8428, table 4; he, hb, hs and hu have no number there: they stay text.
LABELS = {
    "bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6,
    "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "s": 5, "t": 6, "ut": 7, "vd": 8,
}  # fmt: skip


def encode_pack(pack: Pack) -> bytes:
    """CBOR of a pack; PackError as for JSON."""
    check_header(pack)
    out = bytearray()
    _head(out, ARRAY, len(pack.records))
    up_ms = None
    for record in pack.records:
        _record(out, pack, record, up_ms is None, record.up_ms != up_ms)
        up_ms = record.up_ms
    if len(out) > MAXIMUM_PACK_BYTES:
        raise PackError("pack of %d bytes, at most %d" % (len(out), MAXIMUM_PACK_BYTES))
    return bytes(out)


def _record(out: bytearray, pack: Pack, record: Record, first: bool, new_time: bool) -> None:
    unit, field = unit_and_field(record, False)
    timed = new_time and pack.unix_ms is not None
    _head(out, MAP, 2 + bool(unit) + new_time + timed + 5 * first)
    if first:
        _member(out, "bver", BVER)
        _member(out, "bn", base_name(pack.node))
    if timed:
        _member(out, "bt", Fixed(pack.unix_ms + record.up_ms - pack.up_ms, 3))
    if first:
        _member(out, "he", pack.epoch)
        _member(out, "hb", pack.boot)
        _member(out, "hs", pack.seq)
    if new_time:
        _member(out, "hu", whole(record.up_ms, MAXIMUM_UPTIME_MS, "up_ms"))
    _member(out, "n", record.name)
    if unit:
        _member(out, "u", unit)
    _member(out, field, record.value)


def _member(out: bytearray, name: str, value: "int | bool | str | Fixed") -> None:
    label = LABELS.get(name)
    _value(out, name if label is None else label)
    _value(out, value)


def _value(out: bytearray, value: "int | bool | str | Fixed") -> None:
    if isinstance(value, bool):
        out.append(TRUE if value else FALSE)
    elif isinstance(value, str):
        data = value.encode()
        _head(out, TEXT, len(data))
        out += data
    elif isinstance(value, Fixed):
        _head(out, TAG, DECIMAL_FRACTION)
        _head(out, ARRAY, 2)
        _value(out, -value.decimals)
        _value(out, value.mantissa)
    elif value < 0:
        _head(out, NEGATIVE, -1 - value)
    else:
        _head(out, UNSIGNED, value)


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    size = 1
    code = 24
    while argument >> (8 * size):
        size *= 2
        code += 1
    out.append(major << 5 | code)
    out += argument.to_bytes(size, "big")
