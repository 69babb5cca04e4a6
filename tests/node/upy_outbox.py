"""The outbox: kept until named, found again by the next boot, bounded, damage survived."""

import os

from haidang_node import log
from haidang_node.ledger import Ledger
from haidang_node.outbox import ALARM, DATA, Outbox, Place

_EPOCH = "9f3c01aa"
_folders = [0]
_opened = []

log.start(log.ERROR, lambda: 0)


def _folder() -> str:
    _folders[0] += 1
    base = os.getenv("HAIDANG_TEST_DIR") or "/tmp"
    folder = "%s/haidang-outbox-%d-%d" % (base, _folders[0], int.from_bytes(os.urandom(4), "big"))
    os.mkdir(folder)
    return folder


def _ilistdir(folder):
    return [(name,) for name in os.listdir(folder)]


if not hasattr(os, "ilistdir"):
    os.ilistdir = _ilistdir


def _open(folder, limit_bytes=1 << 20, ended=None):
    ledger = Ledger(folder + "/ledger")
    ledger.open()
    outbox = Outbox(folder, limit_bytes, ledger)
    outbox.open(ended)
    _opened.append(outbox)
    return outbox, ledger


def _done(folder):
    while _opened:
        _opened.pop().close()
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)


def _all(outbox, lane):
    place = Place()
    held = outbox.next(lane, place)
    while held:
        yield held
        held = outbox.next(lane, place)


def _numbers(outbox, lane):
    numbers = []
    for held in _all(outbox, lane):
        assert outbox.payload(held) == b"pack %d" % held.seq
        numbers.append(held.seq)
    return numbers


def _put(outbox, lane, seq, now_ms=0, boot=1):
    outbox.put(lane, _EPOCH, boot, seq, b"pack %d" % seq, now_ms)


def test_an_alarm_is_on_flash_at_once_and_telemetry_after_a_batch() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    _put(outbox, ALARM, 0)
    for seq in range(1, 10):
        _put(outbox, DATA, seq)
    assert outbox.lowest_loose() == 1
    again, _ = _open(folder)
    assert _numbers(again, ALARM) == [0]
    assert _numbers(again, DATA) == []
    _put(outbox, DATA, 10)
    assert outbox.lowest_loose() is None
    again, _ = _open(folder)
    assert _numbers(again, DATA) == list(range(1, 11))
    _done(folder)


def test_telemetry_that_waited_a_minute_is_flushed() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    _put(outbox, DATA, 0, now_ms=1000)
    outbox.flush_due(60999)
    assert outbox.lowest_loose() == 0
    outbox.flush_due(61000)
    assert outbox.lowest_loose() is None
    assert _numbers(_open(folder)[0], DATA) == [0]
    _done(folder)


def test_only_named_packs_are_freed() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    for seq in range(30):
        _put(outbox, DATA, seq)
    assert outbox.acknowledge(_EPOCH, 1, [[3, 5], [20, 99]]) == 13
    assert outbox.acknowledge(_EPOCH, 2, [[0, 99]]) == 0
    assert outbox.acknowledge("00000000", 1, [[0, 99]]) == 0
    left = [0, 1, 2] + list(range(6, 20))
    assert _numbers(outbox, DATA) == left
    assert outbox.count() == len(left)
    assert outbox.held(_EPOCH) == {1: [[0, 2], [6, 19]]}
    _done(folder)


def test_acknowledged_packs_leave_no_file_behind() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    for seq in range(100):
        _put(outbox, ALARM if seq % 7 == 0 else DATA, seq)
    outbox.close()
    assert outbox.acknowledge(_EPOCH, 1, [[0, 99]]) == 100
    assert [name for name in os.listdir(folder) if name != "ledger"] == []
    assert outbox.count() == 0
    _done(folder)


def test_reading_goes_on_behind_freed_segments_and_meets_new_packs() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    place = Place()
    for seq in range(5):
        _put(outbox, ALARM, seq)
    assert outbox.next(ALARM, place).seq == 0
    outbox.acknowledge(_EPOCH, 1, [[0, 4]])
    _put(outbox, ALARM, 5)
    assert outbox.next(ALARM, place).seq == 5
    assert outbox.next(ALARM, place) is None
    _done(folder)


def test_the_oldest_telemetry_goes_when_the_outbox_is_full_and_is_named() -> None:
    folder = _folder()
    outbox, ledger = _open(folder, limit_bytes=65536)
    payload = b"x" * 500
    for seq in range(400):
        outbox.put(ALARM if seq == 3 else DATA, _EPOCH, 1, seq, payload, 0)
    dropped = ledger.boots(_EPOCH, 1, 400, outbox.held(_EPOCH))[0]["dropped"]
    assert dropped[0][0] == 0
    assert dropped[-1][2] == "full"
    named = sum([hi - lo + 1 for lo, hi, _ in dropped])
    assert named == ledger.dropped == 400 - outbox.count()
    assert outbox.held(_EPOCH)[1][0] == [3, 3], "an alarm is never dropped"
    used = sum([os.stat(folder + "/" + name)[6] for name in os.listdir(folder)])
    assert used <= 65536 + 2000
    # The names survive a restart.
    again = Ledger(folder + "/ledger")
    again.open()
    assert again.boots(_EPOCH, 1, 400, {})[0]["dropped"] == dropped
    _done(folder)


def test_damaged_records_are_skipped() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    for seq in range(5):
        _put(outbox, ALARM, seq)
    outbox.close()
    name = [name for name in os.listdir(folder) if name[0] == "a"][0]
    with open(folder + "/" + name, "rb") as file:
        data = bytearray(file.read())
    # One record is 20 + 6 bytes: the second's payload, the fourth's mark, the tail of the last.
    data[1 * 26 + 22] ^= 1
    data[3 * 26] ^= 1
    with open(folder + "/" + name, "wb") as file:
        file.write(data[:-3])
    again, ledger = _open(folder)
    assert again.corrupt == 1, "two beside each other are one stretch"
    ended = (_EPOCH, 1, 6, 0)
    again, ledger = _open(folder, ended=ended)
    place = Place()
    read = []
    held = again.next(ALARM, place)
    while held:
        payload = again.payload(held)
        if payload is not None:
            assert payload == b"pack %d" % held.seq
            read.append(held.seq)
        held = again.next(ALARM, place)
    assert read == [0, 2]
    assert again.corrupt == 2
    # The number of the second is known, those of the others by their neighbours and the end.
    dropped = ledger.boots(_EPOCH, 2, 0, again.held(_EPOCH))[0]["dropped"]
    assert dropped == [[1, 1, "corrupt"], [3, 5, "corrupt"]]
    _put(again, ALARM, 0, boot=2)
    assert [held.seq for held in _all(_open(folder)[0], ALARM)] == [0, 1, 2, 0]
    _done(folder)


def test_packs_of_an_older_boot_come_first_and_are_acknowledged_under_its_name() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    _put(outbox, ALARM, 7, boot=9)
    outbox.close()
    outbox, _ = _open(folder)
    _put(outbox, ALARM, 0, boot=10)
    assert _numbers(outbox, ALARM) == [7, 0]
    outbox.acknowledge(_EPOCH, 9, [[7, 7]])
    assert _numbers(outbox, ALARM) == [0]
    _done(folder)


def test_a_segment_stays_while_any_of_its_packs_is_held() -> None:
    for kept in range(4):
        folder = _folder()
        outbox, _ = _open(folder)
        for seq in range(4):
            _put(outbox, ALARM, seq)
        for seq in range(4):
            if seq != kept:
                outbox.acknowledge(_EPOCH, 1, [[seq, seq]])
        assert _numbers(outbox, ALARM) == [kept]
        assert kept in _numbers(_open(folder)[0], ALARM)
        _done(folder)


def test_packs_of_an_older_epoch_come_before_those_of_the_present_one() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    outbox.put(ALARM, "00000001", 90, 4, b"pack 4", 0)
    outbox.close()
    outbox, _ = _open(folder)
    _put(outbox, ALARM, 0, boot=1)
    outbox.close()
    assert _numbers(_open(folder)[0], ALARM) == [4, 0]
    _done(folder)
