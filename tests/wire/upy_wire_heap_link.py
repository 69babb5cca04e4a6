# heap: 160K
"""Hundreds of packets and messages through a small heap that must not grow."""

import gc

from haidang_wire import messages
from haidang_wire.errors import MessageError
from haidang_wire.mqtt5 import Connack, Puback, Session, encode
from wire_expect import refused

NODE = "n-240ac4123456"


def used():
    """Bytes in use after collection; 0 where the interpreter does not tell."""
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def test_two_hundred_publishes_and_acks_leave_nothing_behind():
    session = Session(NODE)
    session.receive(encode(Connack(False, 0, {0x21: 32})))
    payload = b"x" * 300
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
    huge = b'{"he":"9f3c01aa","hb":7,"s":[' + b"[]," * 2699 + b"[]]}"
    assert refused(MessageError, messages.decode, "ack", huge)
    assert messages.decode("ack", b'{"he":"9f3c01aa","hb":7,"s":[[1,2]]}')["s"] == [[1, 2]]
