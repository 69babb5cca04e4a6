"""The quick reader says what the contract's reader says, or leaves a pack to it."""

import json
import random

import pytest
from haidang_gateway.ingest import quick_pack
from haidang_gateway.ingest.facts import samples_of
from haidang_wire import senml
from haidang_wire.errors import PackError
from hypothesis import example, given
from hypothesis import strategies as st
from node_packs import START_MS
from pack_strategies import packs

_PACK = (
    b'[{"bver":26,"bn":"urn:dev:mac:240ac4fffe000001:","bt":1764000000.250,"he":"9f3c01aa",'
    b'"hb":7,"hs":1234,"hu":86400123,"n":"smoke/mv","u":"mV","v":412},'
    b'{"n":"smoke/ratio","u":"/","v":0.98},{"n":"smoke/state","vs":"normal"}]'
)


def _check_same(found: quick_pack.QuickPack, pack: senml.Pack) -> None:
    assert found.key == (pack.node, pack.epoch, pack.boot)
    assert (found.seq, found.up_ms, found.unix_ms) == (pack.seq, pack.up_ms, pack.unix_ms)
    assert list(found.samples) == samples_of(pack.records)
    kinds = [[type(value) for value in values.values()] for _, values in found.samples]
    assert kinds == [[type(v) for v in values.values()] for _, values in samples_of(pack.records)]


def test_a_node_s_own_words_are_read_quickly() -> None:
    found = quick_pack.read(_PACK)
    assert found is not None
    _check_same(found, senml.decode_pack(_PACK))


@given(packs(), st.integers(0, 2**41))
def test_it_reads_what_the_contract_s_reader_reads(pack: senml.Pack, unix_ms: int) -> None:
    data = senml.encode_pack(pack)
    found = quick_pack.read(data)
    one_sample = len({record.up_ms for record in pack.records}) == 1
    assert found is not None or not one_sample
    if found is not None:
        _check_same(found, senml.decode_pack(data))
        resolved = found.resolved(unix_ms)
        assert json.loads(resolved) == json.loads(senml.resolve(data, unix_ms))
        assert senml.decode_pack(resolved) == senml.decode_pack(senml.resolve(data, unix_ms))


@given(st.integers(0, 2**32))
@example(0)
def test_no_pack_with_a_changed_byte_is_read_otherwise(seed: int) -> None:
    chance = random.Random(seed)
    changed = bytearray(_PACK)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed))
        changed[at : at + chance.randint(0, 2)] = chance.choices(
            b'0123456789abc"{}[],.:-/_e \n', k=1
        )
    data = bytes(changed)
    found = quick_pack.read(data)
    if found is not None:
        # Refused there, but read here: the error goes up and fails the test.
        _check_same(found, senml.decode_pack(data))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"bver":26', b'"bver":27'),
        (b'"hb":7', b'"hb":07'),
        (b'"hb":7', b'"hb":4294967296'),
        (b'"hs":1234', b'"hs":1234,"t":5'),
        (b'"u":"mV"', b'"u":"V"'),
        (b'"vs":"normal"', b'"vs":"nirmal"'),
        (b'"v":412', b'"v":412,"v":413'),
        (b'"v":412', b'"v":9007199254740992'),
        (b"}]", b"}]\n"),
        (b"smoke/mv", b"smoke/xy"),
    ],
)
def test_what_is_not_quite_so_is_left_to_the_contract_s_reader(old: bytes, new: bytes) -> None:
    assert quick_pack.read(_PACK.replace(old, new)) is None


def test_more_readings_than_a_pack_has_are_left_to_the_contract_s_reader() -> None:
    reading = b'{"n":"smoke/ratio","u":"/","v":0.98}'
    for count, whole in ((97, True), (98, False)):
        data = _PACK.replace(reading, b",".join([reading] * (count + 1)))
        assert (quick_pack.read(data) is not None) is whole


def test_a_pack_without_a_time_gets_one() -> None:
    data = _PACK.replace(b'"bt":1764000000.250,', b"")
    found = quick_pack.read(data)
    assert found is not None
    assert found.resolved(START_MS + 5) == _PACK.replace(b"0.250", b"0.005")


def test_what_the_contract_refuses_is_refused() -> None:
    with pytest.raises(PackError):
        senml.decode_pack(_PACK.replace(b'"bver":26', b'"bver":27'))


def test_readings_that_are_remembered_are_read_the_same_the_second_time() -> None:
    """And such as are too long to be remembered."""
    long = b",".join([b'{"n":"smoke/mv","u":"mV","v":%d}' % n for n in range(20)])
    for data in (_PACK, _PACK.replace(b"1234", b"1235"), _PACK[:-1] + b"," + long + b"]"):
        for _ in range(2):
            found = quick_pack.read(data)
            assert found is not None
            _check_same(found, senml.decode_pack(data))


def test_what_is_remembered_of_readings_at_rest_is_short() -> None:
    reading = b'{"n":"smoke/mv","u":"mV","v":%d},'
    start, end = _PACK.split(b'"n":"smoke/mv"')[0], b'"n":"smoke/state","vs":"normal"}]'
    sizes = []
    for number in (1, 20):
        many = b"".join(reading % (10**6 + turn) for turn in range(number))
        before = quick_pack._values_at_rest.cache_info().misses
        assert quick_pack.read(start + many[1:] + b"{" + end) is not None
        sizes.append(quick_pack._values_at_rest.cache_info().misses - before)
    assert sizes == [1, 0]
