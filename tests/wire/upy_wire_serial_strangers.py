# heap: 1M
"""A serial session believes nobody without the key: forged, recorded and repeated frames."""

import hashlib

from haidang_wire.serial_frames import Key
from haidang_wire.serial_lanes import (
    ALARM,
    COMMAND,
    URGENT,
)
from serial_kit import FIRST, KEYS, Line, Node, one


def test_hmac_is_the_one_of_rfc_4231() -> None:
    # RFC 4231 has no key of 32 bytes; test case 1's 20 bytes are padded with zeros all the same.
    key = Key(b"\x0b" * 20 + bytes(12))
    assert key.digest(b"Hi There").hex() == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
    assert key.digest(b"Hi ", b"There") == key.digest(b"Hi There")
    assert len(hashlib.sha256(b"").digest()) == 32


def test_a_wrong_key_gets_no_answer_and_ends_nothing() -> None:
    line = Line([Node(FIRST, key=bytes(32))], {FIRST: KEYS[FIRST]})
    line.turns(5)
    assert line.messages(FIRST) == []
    assert line.nodes[0].session.refused == 5
    assert not line.nodes[0].session.open


def test_a_greeting_changed_anywhere_is_refused() -> None:
    line = one()
    welcome = line.nodes[0].hear(line.bus.step(0))
    for at in range(1, len(welcome) - 1):
        forged = bytearray(welcome)
        forged[at] ^= 0x80
        line.bus.receive(bytes(forged), 1)
        assert not line.peers[FIRST].open, at
    line.bus.receive(welcome, 1)
    assert line.peers[FIRST].open


def test_recorded_frames_of_an_old_session_change_nothing() -> None:
    recorded = []

    def record(data, up):
        if not up:
            recorded.append(data)
        return data

    line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]}, spoil=record)
    line.turns(2)
    line.peers[FIRST].send(COMMAND, b"open the gate", URGENT)
    line.turns(3)
    node = line.nodes[0]
    assert node.received == [(COMMAND, b"open the gate")]
    old = list(recorded)
    # The same session: every poll was counted.
    for frame in old[1:]:
        assert node.hear(frame) == b""
    # An old HELLO is answered, but the present session goes on.
    assert node.hear(old[0]) != b""
    for frame in old[1:]:
        assert node.hear(frame) == b""
    line.peers[FIRST].send(COMMAND, b"close it", URGENT)
    line.turns(2)
    assert node.received == [(COMMAND, b"open the gate"), (COMMAND, b"close it")]
    # After a restart the node draws its own challenge: nothing old fits.
    again = Node(FIRST, boot=2)
    for frame in old:
        again.hear(frame)
    assert again.received == []
    assert not again.session.open


def test_recorded_answers_are_not_taken_twice() -> None:
    recorded = []

    def record(data, up):
        if up:
            recorded.append(data)
        return data

    line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]}, spoil=record)
    line.turns(2)
    line.nodes[0].session.send(ALARM, b"smoke", URGENT)
    line.turns(2)
    before = len(line.events)
    for data in recorded:
        line.events += line.bus.receive(data, line.now_ms)
    frame = line.bus.step(line.now_ms + 1000)
    assert frame
    for data in recorded:
        line.events += line.bus.receive(data, line.now_ms + 1000)
    assert len(line.events) == before
    line.restart({FIRST: KEYS[FIRST]})
    line.bus.step(line.now_ms)
    for data in recorded:
        line.events += line.bus.receive(data, line.now_ms)
    assert len(line.events) == before


def test_challenges_differ_even_where_no_random_numbers_can_be_had() -> None:
    recorded = []

    def record(data, up):
        recorded.append(data)
        return data

    def broken(count):
        return bytes(count)

    for boot in (1, 2):
        node = Node(FIRST, boot=boot)
        node.session._random_bytes = broken
        line = Line([node], {FIRST: KEYS[FIRST]}, spoil=record)
        for _ in range(2):
            for data in recorded:
                node.hear(data)
            assert node.received == []
            line.restart({FIRST: KEYS[FIRST]})
            line.peers[FIRST]._random_bytes = broken
            line.turns(2)
            assert line.peers[FIRST].open
            line.peers[FIRST].send(COMMAND, b"open the gate", URGENT)
            line.turns(2)
            assert node.received == [(COMMAND, b"open the gate")]
            node.received.clear()
