"""The outbox while memory ends, or a module is gone: no alarm is lost or kept by half."""

import struct
import sys

from haidang_node import finding, loading, recording, records, segments
from haidang_node.outbox import ALARM, Place

from board_parts import flash_folder
from outbox_folder import EPOCH, all_held, done, numbers_of, opened, put, refuse_flushes


class _Full:
    """Memory runs out at the n-th call, once."""

    def __init__(self, call, at=0):
        self._call = call
        self._left = at

    def __call__(self, *args):
        self._left -= 1
        if self._left == -1:
            raise MemoryError
        return self._call(*args)


def test_memory_that_ends_behind_a_flush_leaves_no_pack_half_way() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder)
    outbox.trouble.over = _Full(outbox.trouble.over)
    put(outbox, ALARM, 0)
    put(outbox, ALARM, 1)
    outbox.flush_due(1)
    assert outbox.lowest_loose() is None
    assert numbers_of(outbox, ALARM) == [0, 1]
    assert ledger.dropped == 0
    done(folder)


def test_memory_that_ends_at_a_new_segment_costs_no_alarm() -> None:
    for before in (0, 1):
        folder = flash_folder("outbox")
        outbox, ledger = opened(folder)
        for seq in range(before):
            put(outbox, ALARM, seq)
        outbox.close()
        outbox.lanes[ALARM].safe_bytes = 0
        real, segments.Segment = segments.Segment, _Full(segments.Segment)
        try:
            put(outbox, ALARM, before)
        finally:
            segments.Segment = real
        outbox.flush_due(1)
        put(outbox, ALARM, before + 1)
        assert outbox.lowest_loose() is None
        assert numbers_of(outbox, ALARM) == list(range(before + 2))
        assert (ledger.dropped, outbox.corrupt) == (0, 0)
        assert numbers_of(opened(folder)[0], ALARM) == list(range(before + 2))
        done(folder)


def test_a_pack_is_named_before_it_leaves_memory() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder)
    ledger.drop = _Full(ledger.drop)
    refuse_flushes(1000)
    try:
        for seq in range(20):
            put(outbox, ALARM, seq)
    finally:
        del segments.open
    held = numbers_of(outbox, ALARM)
    assert held == list(range(held[0], 20))
    assert ledger.dropped == held[0], "each one that is gone has a name"
    done(folder)


def test_a_module_that_flash_has_lost_leaves_alarms_in_memory() -> None:
    for error in (ImportError("no module"), OSError(5), ValueError("incompatible .mpy file")):
        folder = flash_folder("outbox")
        outbox, _ = opened(folder)

        def lost(*args, error=error):
            raise error

        outbox._call = lost
        put(outbox, ALARM, 0)
        outbox.flush_due(1)
        assert outbox.lowest_loose() == 0
        del outbox._call
        outbox.flush_due(2)
        assert outbox.lowest_loose() is None
        done(folder)


def test_a_pack_of_a_later_version_is_named_as_lost_and_ends_no_loop() -> None:
    folder = flash_folder("outbox")
    whole = b"".join(recording.frame(EPOCH, 1, 0, b"pack 0"))
    name, body = whole[:16], b"\xfe" * (len(whole) - finding.HEADER_BYTES)
    with open(folder + "/a-1", "wb") as file:
        file.write(name + struct.pack("<I", records.crc(name, body)) + body)
        file.write(b"".join(recording.frame(EPOCH, 1, 1, b"pack 1")))
    outbox, ledger = opened(folder)
    first, second = all_held(outbox, ALARM)
    assert outbox.payload(first) is None
    assert outbox.payload(second) == b"pack 1"
    assert numbers_of(outbox, ALARM) == [1]
    assert ledger.boots(EPOCH, 1, 2, {})[0]["dropped"] == [[0, 0, "corrupt"]]
    done(folder)


def test_what_reads_packs_is_in_memory_beside_nothing_else_that_is_loaded() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    put(outbox, ALARM, 0)
    place = Place()
    first = outbox.next(ALARM, place)
    assert "haidang_node.reading" in sys.modules
    loading.call("haidang_node.trial_files", "is_on", folder)
    for name in ("reading", "finding", "records"):
        assert "haidang_node." + name not in sys.modules
    assert outbox.payload(first) == b"pack 0"
    done(folder)


def test_memory_that_ends_while_an_alarm_is_found_passes_over_none() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(2):
        put(outbox, ALARM, seq)
    place, reader = Place(), outbox._reading()
    real, reader.Held = reader.Held, _Full(reader.Held)
    try:
        try:
            outbox.next(ALARM, place)
            raise AssertionError("memory was there")
        except MemoryError:
            assert [outbox.next(ALARM, place).seq for _ in range(2)] == [0, 1]
    finally:
        reader.Held = real
    done(folder)
