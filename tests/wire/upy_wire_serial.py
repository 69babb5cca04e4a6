# heap: 1M
"""A serial session end to end in simulated time: messages of every size, bytes lost and cut."""

from haidang_wire.frames import FRAME_BYTES
from haidang_wire.serial_frames import HEAD_BYTES, LAST_POLL, TAG_BYTES, address_of
from haidang_wire.serial_lanes import (
    ACK,
    ALARM,
    COMMAND,
    DATA,
    FRAGMENT_BYTES,
    ORDINARY,
    STATUS,
    URGENT,
    Lanes,
)
from haidang_wire.serial_master import SESSION_BEGUN, air_ms
from haidang_wire.serial_session import NOTHING
from serial_kit import FIRST, KEYS, Line, Node, frames_of, one


def test_a_session_begins_and_messages_go_both_ways() -> None:
    line = one()
    line.turns(2)
    assert line.messages(FIRST) == [(SESSION_BEGUN, b"")]
    peer = line.peers[FIRST]
    assert (peer.he, peer.hb) == ("9f3c01aa", 1)
    line.nodes[0].session.send(ALARM, b"smoke", URGENT)
    peer.send(ACK, b"{}", URGENT)
    line.turns(2)
    assert line.messages(FIRST)[1:] == [(ALARM, b"smoke")]
    assert line.nodes[0].received == [(ACK, b"{}")]
    assert line.nodes[0].sessions == 1


def test_long_messages_come_whole_and_urgent_ones_overtake_them() -> None:
    line = one()
    line.turns(2)
    session = line.nodes[0].session
    long = bytes(range(256)) * 8
    session.send(STATUS, long, ORDINARY)
    line.turns(1)
    session.send(ALARM, b"now", URGENT)
    line.turns(4)
    assert line.messages(FIRST)[1:] == [(ALARM, b"now"), (STATUS, long)]


def test_every_length_around_a_fragment_s_comes_whole_in_both_directions() -> None:
    line = one()
    line.turns(2)
    sizes = [0, 1, FRAGMENT_BYTES - 1, FRAGMENT_BYTES, FRAGMENT_BYTES + 1, 4 * FRAGMENT_BYTES]
    messages = [(DATA, b"\0" * size) for size in sizes]
    for kind, data in messages:
        line.nodes[0].session.send(kind, data, ORDINARY)
        line.peers[FIRST].send(COMMAND, data, ORDINARY)
    line.turns(30)
    assert line.messages(FIRST)[1:] == messages
    assert line.nodes[0].received == [(COMMAND, data) for _, data in messages]


def test_any_single_lost_frame_is_made_good() -> None:
    # Each frame of the exchange in turn is lost once, in each direction.
    for lost in range(2, 40):
        count = [0]

        def spoil(data, up, count=count, lost=lost):
            kept = []
            for frame in frames_of(data):
                count[0] += 1
                kept.append(b"" if count[0] == lost else frame)
            return b"".join(kept)

        line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]}, spoil=spoil)
        line.turns(6)
        messages = [(DATA, bytes((i,)) * 300) for i in range(6)]
        for kind, data in messages:
            line.nodes[0].session.send(kind, data, ORDINARY)
            line.peers[FIRST].send(COMMAND, data, ORDINARY)
        line.turns(40)
        found = [m for m in line.messages(FIRST) if m[0] == DATA]
        assert found == messages, lost
        assert line.nodes[0].received == [(COMMAND, data) for _, data in messages], lost


def test_a_cut_in_the_middle_of_a_frame_costs_that_frame_alone() -> None:
    for cut in (1, 5, 20, 30):
        cuts = [cut]

        def spoil(data, up, cuts=cuts):
            return data[: cuts.pop()] if cuts and not up else data

        line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]}, spoil=spoil)
        line.turns(4)
        assert line.peers[FIRST].open, cut


def test_a_message_above_the_limit_is_left_out_and_counted() -> None:
    lanes = Lanes(100)
    sender = Lanes(100)
    inbox = []
    sender.send(COMMAND, bytes(FRAGMENT_BYTES + 1), ORDINARY)
    sender.send(COMMAND, b"short", ORDINARY)
    for _ in range(4):
        lanes.take(bytearray(sender.content(0)), inbox)
        sender.take(bytearray(lanes.content(0)), [])
    assert inbox == [(COMMAND, b"short")]
    assert lanes.overlong == 1


def test_frames_never_exceed_their_size() -> None:
    line = one()
    line.turns(2)
    line.nodes[0].session.send(DATA, b"\0" * 2000, ORDINARY)
    answer = line.nodes[0].hear(line.bus.step(line.now_ms + 1000))
    assert max([len(frame) for frame in frames_of(answer)]) == FRAME_BYTES
    assert air_ms(FRAME_BYTES, 9600) == 250


def test_bodies_too_short_are_nothing() -> None:
    node = Node(FIRST)
    for size in range(HEAD_BYTES + TAG_BYTES):
        assert node.session.receive(bytearray(size)) == NOTHING
    for bad in (b"", b"\x02" + address_of(FIRST) + bytes(20)):
        assert node.session.receive(bytearray(bad)) == NOTHING


def test_numbers_of_fragments_wrap_and_counters_end_in_a_new_session() -> None:
    line = one()
    line.turns(2)
    messages = [(DATA, b"%d" % i) for i in range(600)]
    for start in range(0, 600, 4):
        for kind, data in messages[start : start + 4]:
            line.nodes[0].session.send(kind, data, ORDINARY)
        line.turns(2)
    line.turns(4)
    assert [m for m in line.messages(FIRST) if m[0] == DATA] == messages
    line.peers[FIRST]._counter = LAST_POLL - 2
    line.turns(5)
    line.nodes[0].session.send(ALARM, b"after", URGENT)
    line.turns(2)
    assert line.nodes[0].sessions == 2
    assert line.messages(FIRST)[-1] == (ALARM, b"after")
