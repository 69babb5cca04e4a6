"""SenML packs (RFC 8428, units of RFC 8798): encode and decode."""

from haidang_wire.errors import PackError
from haidang_wire.jsonwrite import write
from haidang_wire.names import known
from haidang_wire.naming import check_node, is_epoch
from haidang_wire.senml_text import (
    BVER,
    Fixed,
    Pack,
    Record,
    decimal_text,
    reading_text,
    seconds_text,
    written,
)

__all__ = (
    "BVER",
    "Fixed",
    "Pack",
    "Record",
    "decimal_text",
    "decode_pack",
    "encode_pack",
    "resolve",
    "resolved",
    "seconds_text",
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAXIMUM_PACK_BYTES = 8192
MAXIMUM_RECORDS = 100
MAXIMUM_UPTIME_MS = 0x1FFFFFFFFFFFFF
MAXIMUM_UNIX_MS = 0x3FFFFFFFFFF  # the year 2109
MAXIMUM_VALUE = 0x1FFFFFFFFFFFFF  # exact in every JSON reader
_UINT32 = 0xFFFFFFFF


def encode_pack(pack: Pack) -> bytes:
    """Compact JSON of a pack; PackError on an unknown name or a wrong kind of value.

    A record of another uptime than the one before starts with its own `bt` and `hu`.
    """
    return _encoded(pack, _reading)


def resolved(pack: Pack, unix_ms: int) -> bytes:
    """The same pack with `unix_ms` as the time of its `up_ms`; decoded floats are allowed.

    Units of names that are not in the contract get lost here: `resolve` keeps them.
    """
    node, epoch, boot, seq, up_ms, _, records = pack
    return _encoded(Pack(node, epoch, boot, seq, up_ms, unix_ms, records), _decoded_reading)


def decode_pack(data: bytes) -> Pack:
    """The pack in `data`, JSON or CBOR (at most 8 KiB, 100 records); PackError with the reason.

    Other names than the contract's are kept; `up_ms` and `unix_ms` are the first record's.
    """
    from haidang_wire.senml_reading import decode

    return decode(data)


def resolve(data: bytes, unix_ms: int) -> bytes:
    """A pack as JSON with `unix_ms` as the time of its first `hu`; keeps unknown fields."""
    from haidang_wire.senml_reading import rewritten

    return rewritten(data, unix_ms)


def check_header(pack: Pack) -> None:
    """PackError where epoch, numbers, time or the count of records are not the contract's."""
    if not 1 <= len(pack.records) <= MAXIMUM_RECORDS:
        raise PackError("%d records, a pack has 1 to %d" % (len(pack.records), MAXIMUM_RECORDS))
    if not is_epoch(pack.epoch):
        raise PackError("epoch %s is not 8 hex digits" % repr(pack.epoch)[:40])
    whole(pack.boot, _UINT32, "boot")
    whole(pack.seq, _UINT32, "seq")
    whole(pack.up_ms, MAXIMUM_UPTIME_MS, "up_ms")
    if pack.unix_ms is not None:
        whole(pack.unix_ms, MAXIMUM_UNIX_MS, "unix_ms")


def whole(value: int, highest: int, what: str) -> int:
    """`value`, where it is a whole number from 0 to `highest`; PackError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        raise PackError("%s %s is not a whole number from 0 to %d" % (what, repr(value), highest))
    return value


def unit_and_field(record: Record, decoded: bool) -> "tuple[str | None, str]":
    """A record's unit and value field; PackError on an unknown name or a wrong kind of value.

    With `decoded`, floats and names that are not in the contract are allowed.
    """
    name, value, _ = record
    row = known(name)
    if row is None:
        if not decoded:
            raise PackError("%s is no name of the contract" % repr(name)[:80])
        row = (None, field_of(value), None)
    unit, field, words = row
    if field == "v":
        _check_number(name, value, decoded)
    elif field != field_of(value) or (words and value not in words):
        raise PackError("%s cannot be %s" % (name, repr(value)[:40]))
    return unit, field


def field_of(value: object) -> str:
    """The SenML field that carries a value of this type."""
    if isinstance(value, bool):
        return "vb"
    return "vs" if isinstance(value, str) else "v"


def _encoded(pack: Pack, reading: "Callable[[Record], str]") -> bytes:
    check_header(pack)
    check_node(pack.node)
    for record in pack.records:
        whole(record.up_ms, MAXIMUM_UPTIME_MS, "up_ms")
    data = written(pack, reading)
    if len(data) > MAXIMUM_PACK_BYTES:
        raise PackError("pack of %d bytes, at most %d" % (len(data), MAXIMUM_PACK_BYTES))
    return data


def _reading(record: Record) -> str:
    return _fields(record, False)


def _decoded_reading(record: Record) -> str:
    return _fields(record, True)


def _fields(record: Record, decoded: bool) -> str:
    name, value, _ = record
    unit, field = unit_and_field(record, decoded)
    text = decimal_text(*value) if isinstance(value, Fixed) else write(value)
    return reading_text(name, unit, field, text)


def _check_number(name: str, value: object, decoded: bool) -> None:
    if isinstance(value, Fixed):
        mantissa, decimals = value
        if not 0 <= decimals <= 9 or not -MAXIMUM_VALUE <= mantissa <= MAXIMUM_VALUE:
            raise PackError("%s: Fixed(%d, %d) is out of range" % (name, mantissa, decimals))
    elif isinstance(value, float) and decoded:
        return
    elif not isinstance(value, int) or isinstance(value, bool):
        raise PackError("%s needs a whole number or Fixed, not %s" % (name, repr(value)[:40]))
    elif not -MAXIMUM_VALUE <= value <= MAXIMUM_VALUE:
        raise PackError("%s: %d is too big" % (name, value))
