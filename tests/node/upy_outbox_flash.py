"""The outbox on a flash that refuses to write or to read: no alarm is lost, memory is bounded."""

import os

from haidang_node import segments
from haidang_node.outbox import ALARM, Place

from upy_outbox import _EPOCH, _done, _folder, _numbers, _open, _put


class _RefusingFile:
    """A file on a flash that takes bytes and refuses to make them safe."""

    def __init__(self, file):
        self._file = file

    def write(self, data):
        return self._file.write(data)

    def flush(self):
        raise OSError(28)

    def close(self):
        self._file.close()


def _refuse_flushes(times):
    left = [times]

    def opened(path, mode):
        file = open(path, mode)  # noqa: SIM115 - kept open between packs
        if "w" in mode and left[0]:
            left[0] -= 1
            return _RefusingFile(file)
        return file

    segments.open = opened


def test_an_alarm_that_flash_refused_at_first_never_takes_later_ones_with_it() -> None:
    folder = _folder()
    outbox, ledger = _open(folder)
    _refuse_flushes(50)
    try:
        _put(outbox, ALARM, 0)
        for second in range(60):
            outbox.flush_due(second)
    finally:
        del segments.open
    assert outbox.lowest_loose() is None
    for seq in range(1, 4):
        _put(outbox, ALARM, seq)
    assert len(outbox._lanes[ALARM].all) == 1, "a refusing flash must not fill the memory"
    outbox.acknowledge(_EPOCH, 1, [[0, 0]])
    assert _numbers(outbox, ALARM) == [1, 2, 3]
    assert ledger.dropped == 0
    assert _numbers(_open(folder)[0], ALARM) == [0, 1, 2, 3]
    _done(folder)


def test_a_file_that_cannot_be_read_leaves_the_others_alone() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    _put(outbox, ALARM, 5)
    outbox.close()
    os.mkdir(folder + "/a-" + _EPOCH + "-1-0")
    again, _ = _open(folder)
    assert _numbers(again, ALARM) == [5]
    os.rmdir(folder + "/a-" + _EPOCH + "-1-0")
    _done(folder)


def test_an_alarm_that_cannot_be_read_just_now_is_kept() -> None:
    folder = _folder()
    outbox, ledger = _open(folder)
    _put(outbox, ALARM, 0)
    held = outbox.next(ALARM, Place())

    def refused(path, mode):
        raise OSError(5)

    segments.open = refused
    try:
        assert outbox.payload(held) is None
    finally:
        del segments.open
    assert outbox.payload(held) == b"pack 0"
    assert ledger.dropped == 0
    _done(folder)


def test_a_flash_that_refuses_for_long_keeps_the_newest_alarms_and_names_the_others() -> None:
    folder = _folder()
    outbox, ledger = _open(folder)
    _refuse_flushes(1000)
    try:
        for seq in range(20):
            _put(outbox, ALARM, seq)
    finally:
        del segments.open
    assert _numbers(outbox, ALARM) == list(range(4, 20))
    named = ledger.boots(_EPOCH, 1, 20, outbox.held(_EPOCH))[0]["dropped"]
    assert named == [[0, 3, "flash"]]
    outbox.flush_due(1)
    assert _numbers(_open(folder)[0], ALARM) == list(range(4, 20))
    _done(folder)


def test_a_new_file_that_flash_refuses_is_forgotten_though_the_one_before_was_good() -> None:
    folder = _folder()
    outbox, _ = _open(folder)
    _put(outbox, ALARM, 0)
    outbox.close()
    _refuse_flushes(5)
    try:
        for second in range(10):
            if second == 0:
                _put(outbox, ALARM, 1)
            outbox.flush_due(second)
    finally:
        del segments.open
    assert len(outbox._lanes[ALARM].all) == 2
    outbox.acknowledge(_EPOCH, 1, [[0, 0]])
    assert _numbers(outbox, ALARM) == [1]
    assert _numbers(_open(folder)[0], ALARM) == [1]
    _done(folder)
