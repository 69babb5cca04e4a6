"""Packs: the contract's example, samples of several times, and everything that is refused."""

import json

from haidang_wire.errors import PackError
from haidang_wire.senml import (
    MAXIMUM_PACK_BYTES,
    Fixed,
    Pack,
    Record,
    decode_pack,
    encode_pack,
    resolve,
    resolved,
)
from haidang_wire.vocabulary import NAMES
from wire_expect import refused

NODE = "n-240ac4123456"
UP = 86400123
UNIX = 1764000000250
EXAMPLE = (
    b'[{"bver":26,"bn":"urn:dev:mac:240ac4fffe123456:","bt":1764000000.250,"he":"9f3c01aa",'
    b'"hb":7,"hs":1234,"hu":86400123,"n":"flood/level","u":"mm","v":412},'
    b'{"n":"flood/rate","u":"mm/h","v":960},{"n":"flood/state","vs":"warning"}]'
)


def pack(*records, unix_ms=UNIX):
    return Pack(NODE, "9f3c01aa", 7, 1234, UP, unix_ms, list(records))


def flood():
    return pack(
        Record("flood/level", 412, UP),
        Record("flood/rate", 960, UP),
        Record("flood/state", "warning", UP),
    )


def changed(index, **fields):
    """The example with fields of one record set, or removed where None."""
    items = json.loads(EXAMPLE)
    for field, value in fields.items():
        if value is None:
            del items[index][field]
        else:
            items[index][field] = value
    return json.dumps(items).encode()


def test_the_contracts_example_is_written_byte_for_byte():
    assert encode_pack(flood()) == EXAMPLE
    assert decode_pack(EXAMPLE) == flood()


def test_samples_of_several_times_restate_time_and_uptime():
    samples = pack(
        Record("flood/level", 1, UP),
        Record("flood/level", 2, UP + 1000),
        Record("flood/rate", 3, UP + 1000),
        Record("flood/level", 4, UP - 50),
    )
    data = encode_pack(samples)
    assert decode_pack(data) == samples
    assert b'{"bt":1764000001.250,"hu":86401123,"n":"flood/level","u":"mm","v":2}' in data
    assert b'{"n":"flood/rate","u":"mm/h","v":3}' in data
    assert b'"bt":1764000000.200' in data


def test_without_a_clock_there_is_no_time_until_it_is_resolved():
    record = Record("smoke/state", "alarm", UP)
    late = Record("smoke/contact", True, UP + 7)
    data = encode_pack(pack(record, late, unix_ms=None))
    assert b'"bt"' not in data
    assert decode_pack(data).unix_ms is None
    with_time = encode_pack(pack(record, late))
    assert resolve(data, UNIX) == with_time
    assert resolved(decode_pack(data), UNIX) == with_time


def test_resolving_keeps_what_a_newer_node_sends():
    data = changed(1, n="flood/salt", u="g/l", v=1, extra="x")
    again = json.loads(resolve(data, UNIX + 1))
    assert again[0]["bt"] == 1764000000.251
    assert again[1] == {"n": "flood/salt", "u": "g/l", "v": 1, "extra": "x"}


def test_decimals_are_printed_without_floats():
    for mantissa, decimals, text in (
        (41, 2, "0.41"),
        (-5, 2, "-0.05"),
        (1234, 3, "1.234"),
        (0, 1, "0.0"),
        (-7, 0, "-7"),
        (100, 2, "1.00"),
    ):
        data = encode_pack(pack(Record("smoke/ratio", Fixed(mantissa, decimals), UP)))
        assert data.endswith(('"v":' + text + "}]").encode()), data
        assert abs(decode_pack(data).records[0].value - mantissa / 10**decimals) < 1e-9


def test_every_name_of_the_contract_goes_through():
    for name, (unit, field, words) in NAMES.items():
        value = 5 if field == "v" else True if field == "vb" else words[0]
        data = encode_pack(pack(Record(name, value, UP)))
        assert decode_pack(data).records == [Record(name, value, UP)]
        assert (b'"u"' in data) == (unit is not None)


def test_nothing_wrong_is_written():
    for name, value in (
        ("flood/salt", 1),
        ("flood/level", "412"),
        ("flood/level", True),
        ("flood/level", 4.5),
        ("flood/level", None),
        ("flood/level", 1 << 60),
        ("flood/state", "dry"),
        ("flood/state", 1),
        ("flood/float", 1),
        ("smoke/ratio", Fixed(1, -1)),
        ("smoke/ratio", Fixed(1, 10)),
    ):
        text = refused(PackError, encode_pack, pack(Record(name, value, UP)))
        assert name in text
    refused(PackError, encode_pack, pack())
    refused(PackError, encode_pack, pack(*([Record("flood/level", 1, UP)] * 101)))
    refused(PackError, encode_pack, pack(Record("flood/level", 1, -1)))
    for at, wrong in ((1, "9F3C01AA"), (2, -1), (3, 1 << 32), (4, 1.5), (5, -1)):
        fields = list(flood())
        fields[at] = wrong
        refused(PackError, encode_pack, Pack(*fields))


def test_what_breaks_the_contract_is_refused_with_its_record():
    for index, fields in (
        (0, {"bver": 27}),
        (0, {"bver": None}),
        (0, {"bn": "urn:dev:mac:1:"}),
        (0, {"bn": 5}),
        (0, {"he": "9f3c01a"}),
        (0, {"he": None}),
        (0, {"hb": -1}),
        (0, {"hs": 1.5}),
        (0, {"hs": True}),
        (0, {"hu": None}),
        (0, {"bt": "now"}),
        (0, {"bt": -1}),
        (0, {"v": "412"}),
        (0, {"v": None}),
        (0, {"vs": "x"}),
        (0, {"u": "cm"}),
        (1, {"n": "flood/rate?"}),
        (1, {"n": "/rate"}),
        (1, {"n": None}),
        (1, {"n": "x" * 65}),
        (1, {"bn": "urn:dev:mac:240ac4fffe123456:"}),
        (1, {"hs": 3}),
        (1, {"t": -5}),
        (1, {"bu": "m"}),
        (1, {"must_": 1}),
        (1, {"hu": 86400200}),
        (1, {"bt": 1764000001}),
        (1, {"hu": 86401123, "bt": 1764000009}),
        (1, {"extra": [1]}),
        (2, {"vs": "dry"}),
        (2, {"vs": None, "v": 1}),
    ):
        text = refused(PackError, decode_pack, changed(index, **fields))
        assert text.startswith(f"record {index}"), text


def test_what_is_no_pack_is_refused():
    for data in (
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b"[[]]",
        b"null",
        b'[{"a":1}',
        EXAMPLE[:-1],
        EXAMPLE + b"x",
        b"[" * 4000,
        EXAMPLE.replace(b"412", b"NaN"),
        EXAMPLE.replace(b"412", b"1e999"),
        EXAMPLE.replace(b"warning", b"\xff"),
        EXAMPLE.replace(b"warning", b"\xc0\x80"),
        EXAMPLE.replace(b"warning", b"\\ud800"),
        b" " * (MAXIMUM_PACK_BYTES + 1 - len(EXAMPLE)) + EXAMPLE,
        b"[" + b",".join([b'{"n":"a","v":1}'] * 101) + b"]",
    ):
        refused(PackError, decode_pack, data)


def test_unknown_fields_and_a_missing_unit_are_no_reason_to_refuse():
    assert decode_pack(changed(1, extra="x", u=None)) == flood()
