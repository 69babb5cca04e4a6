"""A session's plain packets are those of the whole codec, in bytes and in meaning."""

from typing import Any

import pytest
from haidang_wire import mqtt5, session_opening, session_plain
from haidang_wire.packets_opening import Connect, encode_opening
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=0x7E), min_size=1, max_size=30)
TOPICS = NAMES.filter(lambda name: "+" not in name and "#" not in name)
SHORT = st.integers(1, 0xFFFF)
LONG = st.integers(1, 0xFFFFFFFF)
WILLS = st.none() | st.builds(
    mqtt5.Will, TOPICS, st.binary(max_size=40), st.integers(0, 1), st.booleans(), LONG | st.just(0)
)
NUMBERS: dict[int, st.SearchStrategy[int]] = {
    **dict.fromkeys((0x11, 0x27), LONG),
    **dict.fromkeys((0x13, 0x21, 0x22), SHORT),
    **dict.fromkeys((0x24, 0x25, 0x28, 0x29, 0x2A), st.integers(0, 1)),
}


def _opened(**options: Any) -> mqtt5.Session:
    session = mqtt5.Session("n-240ac4000001", **options)
    session.receive(mqtt5.encode(mqtt5.Connack(False, 0, {})))
    return session


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "will": WILLS,
        "username": st.none() | NAMES,
        "clean_start": st.booleans(),
        "keepalive_s": SHORT,
        "session_expiry_s": LONG,
        "receive_maximum": SHORT,
        "maximum_packet_bytes": LONG,
    },
)


@given(client=NAMES, options=OPTIONS)
def test_connect_is_the_codec_s(client: str, options: dict[str, Any]) -> None:
    fields, _ = session_plain.connect_fields(client, **options)
    assert session_plain.connect(fields) == encode_opening(Connect(*fields))


@pytest.mark.parametrize("client", ["", "trạm-1", "a\0b"])
def test_odd_client_ids_are_left_to_the_codec(client: str) -> None:
    assert session_plain.connect(session_plain.connect_fields(client)[0]) == b""


@given(names=st.lists(NAMES, min_size=1, max_size=4), qos=st.integers(0, 1))
def test_subscribe_is_the_codec_s(names: list[str], qos: int) -> None:
    plain, careful = _opened(), _opened()
    assert plain.subscribe(names, qos=qos) == session_opening.careful_subscribe(
        careful, names, qos
    )
    assert plain.subscribing == careful.subscribing


@given(properties=st.fixed_dictionaries({}, optional=NUMBERS), present=st.booleans())
def test_connack_means_what_the_codec_reads(properties: dict[int, int], present: bool) -> None:
    plain = mqtt5.Session("n-240ac4000001")
    careful = mqtt5.Session("n-240ac4000001")
    data = mqtt5.encode(mqtt5.Connack(present, 0, properties))
    said = session_plain.opened(plain, data[0], data, 2, len(data))
    assert said is not None
    assert said == session_opening.careful_event(careful, data[0], data, 2, len(data))


@given(reasons=st.lists(st.sampled_from([0, 1, 0x80, 0x87]), min_size=1, max_size=4))
def test_suback_means_what_the_codec_reads(reasons: list[int]) -> None:
    plain, careful = _opened(), _opened()
    for session in (plain, careful):
        session.subscribe(["hd/1/gw/status"])
    data = mqtt5.encode(mqtt5.Suback(1, tuple(reasons)))
    said = session_plain.opened(plain, data[0], data, 2, len(data))
    assert said is not None
    assert said == session_opening.careful_event(careful, data[0], data, 2, len(data))
    assert plain.subscribing == careful.subscribing == set()


@given(body=st.binary(max_size=24), first=st.sampled_from([0x20, 0x90]), opened=st.booleans())
def test_whatever_is_taken_as_plain_the_codec_takes_alike(
    body: bytes, first: int, opened: bool
) -> None:
    plain, careful = (_opened() if opened else mqtt5.Session("n-1") for _ in range(2))
    for session in (plain, careful):
        session.subscribing.add(0x0101)
    said = session_plain.opened(plain, first, body, 0, len(body))
    if said is not None:
        assert said == session_opening.careful_event(careful, first, body, 0, len(body))
