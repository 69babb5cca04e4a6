"""Properties of the codecs: round trips, truncation, flipped bits, any pieces."""

import contextlib
import itertools
import json
import math

import pytest
from haidang_wire import documents, messages, ranges, senml
from haidang_wire.errors import MqttError, PackError, WireError
from haidang_wire.mqtt5 import (
    Connack,
    Connect,
    Decoder,
    Disconnect,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Session,
    Suback,
    Subscribe,
    Will,
    encode,
)
from haidang_wire.utf8 import _strict
from hypothesis import given, settings
from hypothesis import strategies as st
from pack_strategies import packs

_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_topic = st.text(
    st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=30
)
_packet_id = st.integers(1, 0xFFFF)
_answer = st.sampled_from([0, 0x10, 0x80, 0x83, 0x87, 0x97])
_will = st.builds(
    Will,
    _topic,
    st.binary(max_size=40),
    st.integers(0, 1),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
_publish_properties = st.fixed_dictionaries(
    {},
    optional={
        0x01: st.integers(0, 1),
        0x02: st.integers(0, 2**32 - 1),
        0x03: _text,
        0x09: st.binary(max_size=10),
        0x0B: st.lists(st.integers(1, 268435455), min_size=1, max_size=3),
        0x26: st.lists(st.tuples(_text, _text), min_size=1, max_size=3),
    },
)
_connack_properties = st.fixed_dictionaries(
    {},
    optional={
        0x11: st.integers(0, 2**32 - 1),
        0x13: st.integers(0, 0xFFFF),
        0x21: st.integers(1, 0xFFFF),
        0x27: st.integers(1, 2**32 - 1),
        0x1F: _text,
    },
)
_at_least_once = st.builds(
    Publish,
    _topic,
    st.binary(max_size=300),
    st.just(1),
    st.booleans(),
    st.booleans(),
    _packet_id,
    _publish_properties,
)
_at_most_once = st.builds(
    Publish,
    _topic,
    st.binary(max_size=300),
    st.just(0),
    st.booleans(),
    st.just(False),
    st.just(0),
    _publish_properties,
)
_connect = st.builds(
    Connect,
    _text,
    st.booleans(),
    st.integers(0, 0xFFFF),
    st.none() | _will,
    st.none() | _text,
    st.none() | st.binary(max_size=20),
    st.just({0x11: 3600, 0x21: 16}),
)
_packets = st.one_of(
    _connect,
    st.builds(Connack, st.booleans(), st.just(0), _connack_properties),
    st.builds(Connack, st.just(False), st.integers(0x80, 0xFF), _connack_properties),
    _at_least_once,
    _at_most_once,
    st.builds(Puback, _packet_id, _answer),
    st.builds(
        Subscribe,
        _packet_id,
        st.lists(st.tuples(_topic, st.sampled_from([0, 1, 5, 0x2D])), min_size=1, max_size=4).map(
            tuple
        ),
    ),
    st.builds(
        Suback, _packet_id, st.lists(_answer.filter(lambda r: r != 0x10), min_size=1).map(tuple)
    ),
    st.just(Pingreq()),
    st.just(Pingresp()),
    st.builds(Disconnect, st.sampled_from([0, 4, 0x81, 0x8E])),
)


def _decode(pieces: list[bytes]) -> list[object]:
    decoder = Decoder(8192)
    packets = []
    for piece in pieces:
        decoder.feed(piece)
        while (packet := decoder.next()) is not None:
            packets.append(packet)
    return packets


@given(st.lists(_packets, max_size=5), st.lists(st.integers(0, 400), max_size=8))
def test_packets_survive_any_cutting_into_pieces(packets: list[object], cuts: list[int]) -> None:
    data = b"".join(encode(packet) for packet in packets)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert _decode(pieces) == packets


@given(_packets, st.data())
def test_a_truncated_body_is_refused_or_waited_for(packet: object, data: st.DataObject) -> None:
    whole = encode(packet)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert _decode([whole[:cut]]) == []


@given(_packets, st.data())
@settings(max_examples=300)
def test_a_flipped_bit_gives_a_packet_or_a_named_error(
    packet: object, data: st.DataObject
) -> None:
    whole = bytearray(encode(packet))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(MqttError):
        for again in _decode([bytes(whole)]):
            assert encode(again)


@given(st.binary(max_size=60), st.integers(1, 7))
@settings(max_examples=400)
def test_noise_never_hangs_and_pieces_do_not_matter(noise: bytes, size: int) -> None:
    pieces = [noise[at : at + size] for at in range(0, len(noise), size)]
    assert _outcome([noise]) == _outcome(pieces)


@given(st.binary(max_size=60))
def test_a_session_survives_noise_with_a_named_error(noise: bytes) -> None:
    session = Session("n-240ac4123456")
    session.receive(encode(Connack(False, 0, {})))
    with contextlib.suppress(MqttError):
        session.receive(noise)


@given(st.binary(max_size=12))
@settings(max_examples=400)
def test_our_utf8_check_agrees_with_cpython(data: bytes) -> None:
    try:
        data.decode()
        expected = True
    except UnicodeError:
        expected = False
    assert _strict(data) == expected


def _outcome(pieces: list[bytes]) -> tuple[list[object], str]:
    decoder = Decoder(64)
    packets = []
    try:
        for piece in pieces:
            decoder.feed(piece)
            while (packet := decoder.next()) is not None:
                packets.append(packet)
    except MqttError as problem:
        return packets, type(problem).__name__
    return packets, ""


@given(st.lists(st.integers(0, 80)), st.integers(0, 80), st.integers(0, 80))
def test_ranges_are_sets(numbers: list[int], first: int, end: int) -> None:
    have: list[list[int]] = []
    for n in numbers:
        ranges.add(have, n)
    assert set(ranges.each(have)) == set(numbers)
    assert have == ranges.from_sorted(sorted(numbers))
    assert ranges.count(have) == len(set(numbers))
    missing = set(range(first, end)) - set(numbers)
    assert set(ranges.each(ranges.gaps(have, first, end))) == missing
    for n in set(numbers):
        assert ranges.remove(have, n)
    assert have == []


def _plain(value: object) -> object:
    if isinstance(value, senml.Fixed):
        return value.mantissa / 10**value.decimals
    return value


@given(packs())
def test_packs_come_back_as_they_were(pack: senml.Pack) -> None:
    data = senml.encode_pack(pack)
    again = senml.decode_pack(data)
    assert again[:6] == pack[:6]
    for before, after in zip(pack.records, again.records, strict=True):
        assert (after.name, after.up_ms) == (before.name, before.up_ms)
        assert after.value == pytest.approx(_plain(before.value))
        assert isinstance(after.value, bool) == isinstance(before.value, bool)


@given(packs(), st.integers(2**40, 2**41))
def test_resolving_bytes_and_values_tells_the_same(pack: senml.Pack, unix_ms: int) -> None:
    data = senml.encode_pack(pack)
    again = senml.decode_pack(senml.resolve(data, unix_ms))
    assert again.unix_ms == unix_ms
    assert again.records == senml.decode_pack(data).records
    assert senml.decode_pack(senml.resolved(senml.decode_pack(data), unix_ms)) == again


@given(packs(), st.data())
def test_a_damaged_pack_is_a_pack_or_a_pack_error(pack: senml.Pack, data: st.DataObject) -> None:
    whole = bytearray(senml.encode_pack(pack))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PackError):
        again = senml.decode_pack(bytes(whole))
        for record in again.records:
            assert not isinstance(record.value, float) or math.isfinite(record.value)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.sampled_from([*messages.NODE_MESSAGES, *documents.DOCUMENTS]), _json)
def test_any_json_is_a_message_or_a_named_error(kind: str, value: object) -> None:
    data = json.dumps(value).encode()
    with contextlib.suppress(WireError):
        messages.encode(kind, messages.decode(kind, data))
