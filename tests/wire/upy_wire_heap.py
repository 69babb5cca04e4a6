# heap: 96K
"""Hundreds of packs through a small heap that must not grow."""

import gc

from haidang_wire import senml_reading  # first: compiling it needs the largest free block
from haidang_wire.senml import Fixed, Pack, Record, encode_pack

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
    senml_reading.decode(encode_pack(one_pack(0)))
    before = used()
    for seq in range(1, 201):
        again = senml_reading.decode(encode_pack(one_pack(seq)))
        assert again.seq == seq
        assert again.records[0] == Record("smoke/mv", 700 + seq, 1000 * seq)
    del again
    assert used() - before < 1024, used() - before
