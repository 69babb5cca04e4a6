"""SenML packs (RFC 8428, units of RFC 8798): encode and decode."""

from collections import namedtuple

from haidang_wire.errors import PackError
from haidang_wire.jsonwrite import write
from haidang_wire.names import known
from haidang_wire.naming import base_name, is_epoch

__all__ = (
    "Fixed",
    "Pack",
    "Record",
    "decode_pack",
    "encode_pack",
    "resolve",
    "resolved",
)

# value: int, bool, str or Fixed (decoded: also float); up_ms: uptime at its sampling
Record = namedtuple("Record", ("name", "value", "up_ms"))
# mantissa / 10**decimals: Fixed(41, 2) is 0.41, without a float on the node
Fixed = namedtuple("Fixed", ("mantissa", "decimals"))
# epoch: 8 hex digits; unix_ms: time of up_ms, None while the clock is not anchored
Pack = namedtuple("Pack", ("node", "epoch", "boot", "seq", "up_ms", "unix_ms", "records"))

BVER = 26  # RFC 9100: version 10 and the feature "secondary units", 2**4
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
    return _encoded(pack, False)


def resolved(pack: Pack, unix_ms: int) -> bytes:
    """The same pack with `unix_ms` as the time of its `up_ms`; decoded floats are allowed.

    Units of names that are not in the contract get lost here: `resolve` keeps them.
    """
    node, epoch, boot, seq, up_ms, _, records = pack
    return _encoded(Pack(node, epoch, boot, seq, up_ms, unix_ms, records), True)


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


def seconds_text(unix_ms: int) -> str:
    """Decimal seconds of a time in ms, printed from integers."""
    return "%d.%03d" % (unix_ms // 1000, unix_ms % 1000)


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


def decimal_text(mantissa: int, decimals: int) -> str:
    """mantissa / 10**decimals in digits."""
    if decimals == 0:
        return str(mantissa)
    digits = str(abs(mantissa))
    while len(digits) <= decimals:
        digits = "0" + digits
    sign = "-" if mantissa < 0 else ""
    return sign + digits[:-decimals] + "." + digits[-decimals:]


def _encoded(pack: Pack, decoded: bool) -> bytes:
    check_header(pack)
    pieces = []
    up_ms = None
    for record in pack.records:
        fields = []
        if up_ms is None:
            fields.append('"bver":%d,"bn":"%s"' % (BVER, base_name(pack.node)))
        if record.up_ms != up_ms and pack.unix_ms is not None:
            fields.append('"bt":' + seconds_text(pack.unix_ms + record.up_ms - pack.up_ms))
        if up_ms is None:
            fields.append('"he":"%s","hb":%d,"hs":%d' % (pack.epoch, pack.boot, pack.seq))
        if record.up_ms != up_ms:
            up_ms = whole(record.up_ms, MAXIMUM_UPTIME_MS, "up_ms")
            fields.append('"hu":%d' % up_ms)
        fields.append(_reading(record, decoded))
        pieces.append("{" + ",".join(fields) + "}")
    data = ("[" + ",".join(pieces) + "]").encode()
    if len(data) > MAXIMUM_PACK_BYTES:
        raise PackError("pack of %d bytes, at most %d" % (len(data), MAXIMUM_PACK_BYTES))
    return data


def _reading(record: Record, decoded: bool) -> str:
    name, value, _ = record
    unit, field = unit_and_field(record, decoded)
    text = decimal_text(*value) if isinstance(value, Fixed) else write(value)
    unit_text = '"u":"%s",' % unit if unit else ""
    return '"n":"%s",%s"%s":%s' % (name, unit_text, field, text)


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
