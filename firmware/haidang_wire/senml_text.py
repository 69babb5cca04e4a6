"""SenML packs as JSON text: what a node writes of its own values.

It trusts them: all other packs, and those of tests, go through the checks of haidang_wire.senml.
"""

from collections import namedtuple

from haidang_wire.names import known
from haidang_wire.node_names import node_base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# value: int, bool, str or Fixed (decoded: also float); up_ms: uptime at its sampling
Record = namedtuple("Record", ("name", "value", "up_ms"))
# mantissa / 10**decimals: Fixed(41, 2) is 0.41, without a float on the node
Fixed = namedtuple("Fixed", ("mantissa", "decimals"))
# epoch: 8 hex digits; unix_ms: time of up_ms, None while the clock is not anchored
Pack = namedtuple("Pack", ("node", "epoch", "boot", "seq", "up_ms", "unix_ms", "records"))

BVER = 26  # RFC 9100: version 10 and the feature "secondary units", 2**4


def written(pack: Pack, reading: "Callable[[Record], str] | None" = None) -> bytes:
    """Compact JSON of a pack. ValueError or TypeError where a value is not of its name's kind.

    A record of another uptime than the one before starts with its own `bt` and `hu`.
    reading: gives a record's own fields, where it is not one of the contract.
    """
    pieces = [b"["]
    mark = "{"
    up_ms = None
    for record in pack.records:
        fields = []
        if up_ms is None:
            fields.append('"bver":%d,"bn":"%s"' % (BVER, node_base_name(pack.node)))
        if record.up_ms != up_ms and pack.unix_ms is not None:
            fields.append('"bt":' + seconds_text(pack.unix_ms + record.up_ms - pack.up_ms))
        if up_ms is None:
            fields.append('"he":"%s","hb":%d,"hs":%d' % (pack.epoch, pack.boot, pack.seq))
        if record.up_ms != up_ms:
            up_ms = record.up_ms
            fields.append('"hu":%d' % up_ms)
        fields.append((reading or _reading)(record))
        # Bytes at once: a node has no room for the whole as a text besides.
        pieces.append((mark + ",".join(fields) + "}").encode())
        mark = ",{"
    pieces.append(b"]")
    return b"".join(pieces)


def seconds_text(unix_ms: int) -> str:
    """Decimal seconds of a time in ms, printed from integers."""
    return "%d.%03d" % (unix_ms // 1000, unix_ms % 1000)


def decimal_text(mantissa: int, decimals: int) -> str:
    """mantissa / 10**decimals in digits."""
    if decimals == 0:
        return str(mantissa)
    digits = str(abs(mantissa))
    while len(digits) <= decimals:
        digits = "0" + digits
    sign = "-" if mantissa < 0 else ""
    return sign + digits[:-decimals] + "." + digits[-decimals:]


def reading_text(name: str, unit: "str | None", field: str, text: str) -> str:
    """The fields of one reading; `text`: its value in JSON."""
    unit_text = '"u":"%s",' % unit if unit else ""
    return '"n":"%s",%s"%s":%s' % (name, unit_text, field, text)


def _reading(record: Record) -> str:
    name, value, _ = record
    row = known(name)
    if row is None or (row[2] and value not in row[2]):
        raise ValueError("%s: %s is not in the contract" % (name, repr(value)))
    unit, field, words = row
    if words:
        text = '"' + value + '"'
    elif field == "vb":
        text = "true" if value else "false"
    else:
        text = decimal_text(*value) if isinstance(value, Fixed) else "%d" % value
    return reading_text(name, unit, field, text)
