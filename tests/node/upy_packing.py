# heap: 1M
"""Packs made small and sets of numbers in little memory, against plain ones."""

import binascii
import gc

from haidang_node import finding, number_ranges, numbers, recording, records
from haidang_wire import names
from haidang_wire.senml import Fixed, Pack, Record, encode_pack

_NAMES = names.all_names()
_OWN = b'"he":"9f3c01aa","hb":7,"hs":123456'


def _value(name):
    _, kind, words = names.known(name)
    if kind == "vb":
        return True
    return words[-1] if words else Fixed(-4123, 2)


def _pack(sampled, unix_ms=1764000000250):
    sampled = [Record(name, _value(name), 86400123 + 100 * at) for at, name in enumerate(sampled)]
    return encode_pack(Pack("n-240ac4000001", "9f3c01aa", 7, 123456, 86400123, unix_ms, sampled))


def test_every_name_of_the_contract_comes_back_and_gets_small() -> None:
    for name in _NAMES:
        for unix_ms in (None, 1764000000250):
            plain = _pack([name], unix_ms)
            packed = recording.pack(plain, _OWN)
            assert finding.unpack(packed, _OWN) == plain
            assert len(packed) < 0.55 * len(plain), name
    plain = _pack(_NAMES)
    assert finding.unpack(recording.pack(plain, _OWN), _OWN) == plain


def test_packed_packs_take_the_memory_of_their_own_size_alone() -> None:
    plain = _pack(_NAMES[:8])
    packed = [recording.pack(plain, _OWN)] * 10
    gc.collect()
    before = gc.mem_alloc()
    for at in range(10):
        packed[at] = recording.pack(plain, _OWN)
    gc.collect()
    assert gc.mem_alloc() - before < 10 * len(plain) // 2


def test_what_is_no_plain_text_is_left_as_it_is() -> None:
    assert recording.pack(bytes(range(200)), _OWN) is None
    assert recording.pack("Chợ".encode(), _OWN) is None
    assert finding.unpack(recording.pack(b"", _OWN), _OWN) == b""


def test_without_a_piece_of_memory_a_pack_is_kept_as_it_is() -> None:
    def full(_):
        raise MemoryError

    recording.bytearray = full
    try:
        header, body = recording.frame("9f3c01aa", 7, 123456, _pack(_NAMES))
    finally:
        del recording.bytearray
    assert body == _pack(_NAMES)
    assert finding.read(_File(header + body), 0) == ("9f3c01aa", 7, 123456, _pack(_NAMES))


def test_the_table_only_grows_because_flash_outlives_the_program() -> None:
    # Add pieces at the end; where this fails, nodes in the field would misread what they hold.
    text = b"".join(records._LINES)
    assert text[-1:] == b"|"
    pieces = text[:-1].split(b"|")[:50]
    assert len(pieces) == 50
    assert binascii.crc32(b"|".join(pieces)) & 0xFFFFFFFF == 0xD74289B8
    assert len(records.STARTS) == text.count(b"|") <= 127


class _File:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def seek(self, at):
        self.at = at

    def read(self, count):
        piece = self.data[self.at : self.at + count]
        self.at += len(piece)
        return piece


def test_records_of_both_kinds_come_back_and_no_flipped_bit_gets_through() -> None:
    for payload in (_pack(["flood/level"]), b"\x84\xa2\x61\x80" * 20, b""):
        framed = b"".join(recording.frame("9f3c01aa", 7, 123456, payload))
        file = _File(b"??" + framed + framed)
        assert finding.find(file, 0) == 2
        assert finding.read(file, 2) == ("9f3c01aa", 7, 123456, payload)
        assert finding.read_name(file, 2) == (len(framed), "9f3c01aa", 7, 123456)
        for bit in range(8 * len(framed)):
            broken = bytearray(framed)
            broken[bit >> 3] ^= 1 << (bit & 7)
            assert finding.read(_File(bytes(broken)), 0) is None
        for cut in range(len(framed)):
            assert finding.read(_File(framed[:cut]), 0) is None


def _seqs(parts, key):
    found = []
    for lo, hi in number_ranges.each(parts, key):
        found.extend(range(lo, hi + 1))
    return found


def test_sets_of_numbers_behave_like_sets() -> None:
    state = 12345
    for _ in range(20):
        parts, plain = [], {0: set(), 1: set()}
        seq = 0
        for step in range(120):
            state = (state * 1103515245 + 12345) & 0x3FFFFFFF
            key = step // 60
            if step == 60:
                seq = 0
            seq += 1 + (state >> 9) % 3 * ((state >> 13) % 40000)
            number_ranges.add(parts, key, seq)
            plain[key].add(seq)
            if (state >> 5) % 4 == 0:
                lo = max(0, seq - (state >> 11) % 90000)
                hi = lo + (state >> 15) % 30000
                gone = {n for n in plain[key] if lo <= n <= hi}
                assert numbers.take_out(parts, key, lo, hi) == len(gone)
                plain[key] -= gone
        for key, left in plain.items():
            assert _seqs(parts, key) == sorted(left)
            for n in left:
                assert numbers.holds(parts, key, n)
                assert numbers.holds(parts, key, n + 1) == (n + 1 in left)
        assert numbers.count(parts) == len(plain[0]) + len(plain[1])


def test_two_lanes_are_told_as_one_and_beyond_the_limit_the_rest_is_one_range() -> None:
    one, other = [(0, 0), (3, 3), (9, 9)], [(1, 2), (5, 8), (20, 20)]
    assert number_ranges.together(iter(one), iter(other), 16) == [[0, 3], [5, 9], [20, 20]]
    many = [(4 * n, 4 * n) for n in range(50)]
    told = number_ranges.together(iter(many), iter([]), 16)
    assert len(told) == 16
    assert told[0] == [0, 0]
    assert told[-1] == [60, 196]
