"""Packs in CBOR: the same content as in JSON, byte for byte when it becomes JSON."""

from haidang_wire.errors import PackError
from haidang_wire.senml import Fixed, Pack, Record, decode_pack, encode_pack, resolve
from haidang_wire.senml_cbor import encode_pack as encode_cbor
from haidang_wire.senml_cbor_reading import is_cbor, json_of
from wire_expect import refused

NODE = "n-240ac4123456"
UP = 86400123
UNIX = 1764000000250
EXAMPLE = bytes.fromhex(
    "83"  # three records
    "aa"
    "20181a"  # bver 26
    "21781d75726e3a6465763a6d61633a3234306163346666666531323334" "35363a"
    "22c482221b0000019ab697e8fa"  # bt 1764000000250 / 1000
    "626865683966336330316161"
    "62686207"
    "6268731904d2"
    "6268751a05265c7b"
    "006b666c6f6f642f6c6576656c"
    "01626d6d"
    "0219019c"
    "a3" "006a666c6f6f642f72617465" "01646d6d2f68" "021903c0"
    "a2" "006b666c6f6f642f7374617465" "03677761726e696e67"
)  # fmt: skip


def pack(*records, unix_ms=UNIX):
    return Pack(NODE, "9f3c01aa", 7, 1234, UP, unix_ms, list(records))


def flood():
    return pack(
        Record("flood/level", 412, UP),
        Record("flood/rate", 960, UP),
        Record("flood/state", "warning", UP),
    )


def test_the_contracts_example_in_cbor() -> None:
    assert encode_cbor(flood()).hex() == EXAMPLE.hex()
    assert json_of(EXAMPLE) == encode_pack(flood())
    assert decode_pack(EXAMPLE) == flood()
    assert is_cbor(EXAMPLE)
    assert not is_cbor(encode_pack(flood()))
    assert not is_cbor(b"")


def test_every_kind_of_value_becomes_the_same_json() -> None:
    values = pack(
        Record("smoke/contact", True, UP),
        Record("footfall/suppressed", False, UP),
        Record("env/temp", Fixed(-123, 1), UP + 5),
        Record("env/temp", Fixed(-5, 3), UP + 5),
        Record("env/rh", Fixed(7, 0), UP + 9),
        Record("smoke/ratio", Fixed(41, 2), UP - 3),
        Record("node/rssi", -71, UP),
        Record("node/heap_free", 0x1FFFFFFFFFFFFF, UP),
        Record("node/rssi", -0x1FFFFFFFFFFFFF, UP),
        Record("node/queue", 23, UP),
        Record("node/queue", 24, UP),
        Record("node/queue", 255, UP),
        Record("node/queue", 256, UP),
        Record("node/queue", 65536, UP),
        Record("node/queue", 4294967296, UP),
    )
    assert json_of(encode_cbor(values)) == encode_pack(values)
    unanchored = pack(*values.records, unix_ms=None)
    assert json_of(encode_cbor(unanchored)) == encode_pack(unanchored)
    assert len(encode_cbor(values)) < 0.75 * len(encode_pack(values))


def test_a_pack_without_a_clock_is_resolved_to_json() -> None:
    late = pack(Record("smoke/state", "alarm", UP), unix_ms=None)
    now = pack(Record("smoke/state", "alarm", UP))
    assert resolve(encode_cbor(late), UNIX) == encode_pack(now)


def test_what_json_refuses_cbor_refuses() -> None:
    for record in (
        Record("rain/level", 1, UP),
        Record("flood/level", "high", UP),
        Record("flood/level", 1.5, UP),
        Record("flood/state", "wet", UP),
        Record("flood/level", 1 << 53, UP),
        Record("env/temp", Fixed(1, 10), UP),
        Record("flood/level", 1, -1),
    ):
        assert refused(PackError, encode_cbor, pack(record))
        assert refused(PackError, encode_pack, pack(record))
    assert refused(PackError, encode_cbor, pack())


def test_cbor_that_is_no_pack_is_refused() -> None:
    for text in (
        "",
        "80",  # no record
        "9f",  # indefinite length
        "8180",  # a list in a list
        "81a1",  # ends early
        "81a100f6",  # null
        "81a10040",  # bytes
        "81a10080",
        "81a100f97e00",  # NaN
        "81a102fb7ff0000000000000",  # infinity
        "81a10082",
        "81a20001" "0002",  # twice the same field
        "81a1" "616e" "01",  # n as text
        "81a1" "f5" "01",
        "81a102c24101",  # a big number
        "81a102c48229" "01",  # ten places
        "81a102c48101",
        "81a102c4820" "1" "02",
        "81a10261ff",  # text that is no UTF-8
        "81bb0000000100000000",  # more fields than there are bytes
        "811c",
    ):  # fmt: skip
        assert refused(PackError, decode_pack, bytes.fromhex(text)), text
    assert refused(PackError, decode_pack, EXAMPLE + b"\0")
    for end in range(len(EXAMPLE)):
        assert refused(PackError, decode_pack, EXAMPLE[:end]), end
