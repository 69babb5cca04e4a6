# heap: 64K
"""Hundreds of packs, packets and messages through a small heap that must not grow."""

import gc

from haidang_wire import messages
from haidang_wire.errors import MessageError
from haidang_wire.mqtt5 import Connack, Puback, Session, encode
from haidang_wire.senml import Fixed, Pack, Record, decode_pack, encode_pack

NODE = "n-240ac4123456"


def used():
    """Bytes in use after collection; 0 where the interpreter does not tell."""
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def one_pack(seq):
    records = [
        Record("smoke/mv", 700 + seq, 1000 * seq),
        Record("smoke/ratio", Fixed(seq, 3), 1000 * seq),
        Record("smoke/state", "alarm" if seq % 2 else "normal", 1000 * seq),
        Record("smoke/health", "ok", 1000 * seq),
    ]
    return Pack(NODE, "9f3c01aa", 7, seq, 1000 * seq, 1764000000000 + seq, records)


def test_two_hundred_packs_leave_nothing_behind():
    decode_pack(encode_pack(one_pack(0)))
    before = used()
    for seq in range(1, 201):
        again = decode_pack(encode_pack(one_pack(seq)))
        assert again.seq == seq
        assert again.records[0] == Record("smoke/mv", 700 + seq, 1000 * seq)
    del again
    assert used() - before < 1024, used() - before


def test_two_hundred_publishes_and_acks_leave_nothing_behind():
    session = Session(NODE)
    session.receive(encode(Connack(False, 0, {0x21: 32})))
    payload = encode_pack(one_pack(1))
    before = 0
    for i in range(240):
        if i == 40:
            before = used()
        packet_id, _ = session.publish("hd/1/n/" + NODE + "/data", payload)
        session.receive(encode(Puback(packet_id, 0)))
    assert used() - before < 1024, used() - before


def test_a_hundred_acks_are_read_within_the_heap():
    ack = messages.encode(
        "ack", {"he": "9f3c01aa", "hb": 7, "s": [[i, i] for i in range(0, 64, 2)]}
    )
    before = used()
    for _ in range(100):
        assert len(messages.decode("ack", ack)["s"]) == 32
    assert used() - before < 1024, used() - before


def test_a_message_too_big_for_the_heap_is_an_error_and_not_the_end():
    huge = b'{"he":"9f3c01aa","hb":7,"s":[' + b",".join([b"[]"] * 2700) + b"]}"
    try:
        messages.decode("ack", huge)
    except MessageError as problem:
        assert str(problem)
    else:
        raise AssertionError("2,700 empty pairs were taken for an ack")
    assert messages.decode("ack", b'{"he":"9f3c01aa","hb":7,"s":[[1,2]]}')["s"] == [[1, 2]]
