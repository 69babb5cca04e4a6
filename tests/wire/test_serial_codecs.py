"""Properties of CBOR packs, checked with an independent codec, and of frames under noise."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from haidang_wire import senml
from haidang_wire.errors import PackError
from haidang_wire.frames import BODY_BYTES, FRAME_BYTES, Deframer, unwrap, wrap
from haidang_wire.senml_cbor import LABELS, encode_pack
from haidang_wire.senml_cbor_reading import json_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pack_strategies import packs

_NAMES = {label: name for name, label in LABELS.items()}
_bodies = st.binary(max_size=BODY_BYTES) | st.lists(
    st.sampled_from([0, 0, 1, 254, 255]), max_size=BODY_BYTES
).map(bytes)


@given(packs())
def test_an_independent_decoder_reads_what_json_says(pack: senml.Pack) -> None:
    items = [
        {_NAMES.get(label, label): value for label, value in item.items()}
        for item in cbor2.loads(encode_pack(pack))
    ]
    told = json.loads(senml.encode_pack(pack), parse_float=Decimal)
    assert items == told
    whole = [value for item in items for value in item.values() if isinstance(value, float)]
    assert whole == []


@given(packs())
def test_a_pack_in_cbor_becomes_the_very_json(pack: senml.Pack) -> None:
    data = encode_pack(pack)
    assert json_of(data) == senml.encode_pack(pack)
    assert senml.decode_pack(data) == senml.decode_pack(senml.encode_pack(pack))


@given(packs(), st.data())
def test_other_writers_floats_and_lengths_are_read(pack: senml.Pack, data: st.DataObject) -> None:
    items = json.loads(senml.encode_pack(pack))
    for item in items:
        if data.draw(st.booleans()):
            item["note"] = data.draw(st.text(st.characters(exclude_categories=["Cs"])))
    canonical = data.draw(st.booleans())
    labelled = [{LABELS.get(name, name): item[name] for name in item} for item in items]
    encoded = cbor2.dumps(labelled, canonical=canonical)
    assert senml.decode_pack(encoded) == senml.decode_pack(json.dumps(items).encode())


@given(packs(), st.data())
@settings(max_examples=300)
def test_damaged_cbor_is_a_pack_or_a_named_error(pack: senml.Pack, data: st.DataObject) -> None:
    whole = bytearray(encode_pack(pack))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PackError):
        assert senml.decode_pack(bytes(whole)).records


_scalars: st.SearchStrategy[Any] = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.text(), st.binary(), st.booleans(), st.none()
)


@given(st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(_scalars, inner)))
@settings(max_examples=200)
def test_any_cbor_at_all_ends_in_a_named_error(value: object) -> None:
    with pytest.raises(PackError):
        senml.decode_pack(b"\x81" + cbor2.dumps(value))


@given(_bodies)
def test_a_body_comes_back_and_its_frame_has_no_zero_inside(body: bytes) -> None:
    framed = wrap(body)
    assert len(framed) == len(body) + 3 <= FRAME_BYTES
    assert 0 not in framed[1:-1]
    assert unwrap(framed[1:-1]) == body


@given(st.lists(_bodies, max_size=6), st.lists(st.integers(1, 300), max_size=10))
def test_frames_survive_any_cutting_into_pieces(bodies: list[bytes], sizes: list[int]) -> None:
    stream = b"".join([wrap(body) for body in bodies])
    deframer = Deframer()
    found = []
    for size in sizes:
        found += deframer.feed(stream[:size])
        stream = stream[size:]
    found += deframer.feed(stream)
    assert found == bodies


@given(st.binary(max_size=600), _bodies, st.integers(1, 9))
@settings(max_examples=200)
def test_a_frame_behind_any_noise_comes_through(noise: bytes, body: bytes, size: int) -> None:
    stream = noise + wrap(body)
    deframer = Deframer()
    found = []
    for at in range(0, len(stream), size):
        found += deframer.feed(stream[at : at + size])
    assert found[-1] == body


@given(st.binary(max_size=300))
def test_what_is_taken_for_a_frame_is_one(code: bytes) -> None:
    body = unwrap(code)
    if body is not None and len(body) <= BODY_BYTES and code:
        assert wrap(body)[1:-1] == code
