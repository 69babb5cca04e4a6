"""The gateway's session gives what the contract's gives, however the bytes are cut."""

import itertools
import random
from typing import Any

from haidang_gateway.ingest.quick_session import QuickSession
from haidang_wire.errors import MqttError
from haidang_wire.mqtt5 import Connack, Disconnect, Message, Pingresp, Publish, Session, encode
from hypothesis import example, given
from hypothesis import strategies as st

_OPTIONS: dict[str, Any] = {"receive_maximum": 1000, "maximum_packet_bytes": 400}
_TOPICS = st.sampled_from(
    ["hd/1/n/n-240ac4000001/data", "hd/1/n/n-240ac4000002/data", "trạm", "a"]
)
_PUBLISHES = st.builds(
    Publish,
    _TOPICS,
    st.binary(max_size=380),
    st.integers(0, 1),
    st.booleans(),
    st.just(False),
    st.integers(1, 9),
    st.sampled_from([{}, {0x02: 60}]),
)
_PACKETS = st.lists(
    st.one_of(_PUBLISHES, _PUBLISHES, _PUBLISHES, st.builds(Pingresp), st.just(Disconnect(0))),
    max_size=20,
)


def _open(kind: type[Session]) -> Any:
    session = kind("gw-01", **_OPTIONS)
    session.connect()
    session.receive(encode(Connack(False, 0, {})))
    return session


def _read(session: Any, pieces: list[bytes]) -> tuple[list[Any], list[Any], str]:
    """Publishes, other events, and why it ended."""
    messages: list[Any] = []
    others: list[Any] = []
    try:
        for piece in pieces:
            if isinstance(session, QuickSession):
                news = session.take(piece)
                messages += news[0]
                others += news[1]
            else:
                for event in session.receive(piece):
                    (messages if isinstance(event, Message) else others).append(event)
    except MqttError as error:
        return messages, others, f"{type(error).__name__}: {error}"
    return messages, others, ""


def _pieces(data: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted({0, len(data), *(chance.randint(0, len(data)) for _ in range(5))})
    return [data[low:high] for low, high in itertools.pairwise(cuts)]


@given(_PACKETS, st.integers(0, 2**32))
@example([], 0)
def test_any_packets_in_any_pieces_mean_the_same(packets: list[Any], seed: int) -> None:
    data = b"".join(
        encode(one._replace(packet_id=0) if getattr(one, "qos", 1) == 0 else one)
        for one in packets
    )
    _check_same(_pieces(data, random.Random(seed)))


@given(_PACKETS, st.integers(0, 2**32))
def test_broken_bytes_are_refused_alike(packets: list[Any], seed: int) -> None:
    chance = random.Random(seed)
    publishes = [one._replace(qos=1) for one in packets if isinstance(one, Publish)]
    data = bytearray(b"".join(map(encode, publishes)))
    for _ in range(min(len(data), chance.randint(1, 4))):
        data[chance.randrange(len(data))] = chance.choice(b"\x00\x01\x32\x33\x36\x7f\x80\xff\xd0")
    _check_same(_pieces(bytes(data), chance))


def _check_same(pieces: list[bytes]) -> None:
    quick, plain = _open(QuickSession), _open(Session)
    ours, theirs = _read(quick, pieces), _read(plain, pieces)
    assert ours == theirs
    assert [type(one.retain) for one in ours[0]] == [type(one.retain) for one in theirs[0]]
    assert (quick.agreed, quick._heard) == (plain.agreed, plain._heard)
    if not ours[2]:
        assert quick.incoming == plain.incoming


def test_a_packet_byte_by_byte_is_read_when_it_is_whole() -> None:
    session = _open(QuickSession)
    for number in (1, 2):
        packet = encode(Publish("a", b"x" * 200, 1, False, False, number, {}))
        news = [session.take(packet[at : at + 1]) for at in range(len(packet))]
        assert all(one == ([], []) for one in news[:-1])
        assert news[-1] == ([Message("a", b"x" * 200, 1, False, number)], [])


def test_pubacks_are_those_of_the_contract_and_for_what_is_due_alone() -> None:
    quick, plain = _open(QuickSession), _open(Session)
    data = b"".join(encode(Publish("a", b"x", 1, False, False, n, {})) for n in (1, 300, 65_535))
    quick.take(data)
    plain.receive(data)
    expected = b"".join(plain.acknowledge(number) for number in (300, 65_535))
    assert quick.acknowledge_all([300, 7, 65_535, 300]) == expected
    assert quick.acknowledge_all([300]) == b""
    assert quick.incoming == {1}
