"""An outbox in a folder of its own, packs that know their numbers; for tests in both Pythons."""

import os

from haidang_node import log, segments
from haidang_node.ledger import Ledger
from haidang_node.outbox import Outbox, Place

EPOCH = "9f3c01aa"
_open_now = []

log.start(log.ERROR, lambda: 0)


def _ilistdir(folder):
    return [(name,) for name in os.listdir(folder)]


if not hasattr(os, "ilistdir"):
    os.ilistdir = _ilistdir


def opened(folder, limit_bytes=1 << 20, ended=None):
    """It and its ledger, as a boot finds them."""
    ledger = Ledger(folder + "/ledger")
    ledger.open()
    outbox = Outbox(folder, limit_bytes, ledger)
    outbox.open(ended)
    _open_now.append(outbox)
    return outbox, ledger


def done(folder):
    """All outboxes are closed, and the folder is gone."""
    while _open_now:
        _open_now.pop().close()
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)


def all_held(outbox, lane):
    """What a lane holds, oldest first."""
    place = Place()
    held = outbox.next(lane, place)
    while held:
        yield held
        held = outbox.next(lane, place)


def numbers_of(outbox, lane):
    """The numbers of what a lane holds, each with its own payload."""
    numbers = []
    for held in all_held(outbox, lane):
        assert outbox.payload(held) == b"pack %d" % held.seq
        numbers.append(held.seq)
    return numbers


def put(outbox, lane, seq, now_ms=0, boot=1):
    """A pack whose payload tells its number."""
    outbox.put(lane, EPOCH, boot, seq, b"pack %d" % seq, now_ms)


class _RefusingFile:
    """A file on a flash that takes bytes and refuses to make them safe."""

    def __init__(self, file, errno):
        self._file = file
        self._errno = errno

    def write(self, data):
        return self._file.write(data)

    def flush(self):
        raise OSError(self._errno, "refused")

    def close(self):
        self._file.close()


def refuse_flushes(times, errno=5):
    """Flash refuses so many files to be flushed; `del segments.open` ends it."""
    left = [times]

    def opening(path, mode):
        file = open(path, mode)  # noqa: SIM115 - kept open between packs
        if mode != "rb" and left[0]:
            left[0] -= 1
            return _RefusingFile(file, errno)
        return file

    segments.open = opening
