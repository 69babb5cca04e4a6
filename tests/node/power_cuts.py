"""Runs in MicroPython: the outbox on LittleFS, power cut at flash operations of a busy minute.

Arguments: image file, step between cut points, "honest" or "forgetful" (no flush: the control).
Prints one JSON object.
"""

import gc
import json
import os
import sys

import vfs
from flash_model import FlashModel
from haidang_node import log
from haidang_node.identity import Identity
from haidang_node.ledger import Ledger
from haidang_node.outbox import ALARM, DATA, Outbox, Place
from haidang_node.segments import Segments

log.start(log.ERROR + 1, lambda: 0)
_PATH, _STEP, _MODE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
_BLOCKS = 64
_PACKS = 32
_LAG = 12
_opened = []


class _Storage(dict):
    """The NVS partition: not what is tested here."""

    def put(self, key, value):
        self[key] = value

    def commit(self):
        pass


def _payload(seq):
    return b'{"n":"flood/level","v":%d}' % seq + b" " * 200


def _mount(device):
    vfs.mount(vfs.VfsLfs2(device), "/f")


def _start(storage):
    identity = Identity(storage, lambda: 0x1234ABCD)
    ended = identity.ended()
    ledger = Ledger("/f/outbox/ledger")
    outbox = Outbox("/f/outbox", 65536, ledger)
    ledger.open()
    _opened.append(outbox)
    outbox.open(ended)
    identity.begin()
    return identity, outbox, ledger


def _work(device, storage, promised, acked):
    # A pack is promised once it is no longer in RAM alone; the chip stops when the power goes.
    identity, outbox, _ = _start(storage)
    for n in range(_PACKS):
        seq = identity.take()
        identity.save(outbox.lowest_loose())
        lane = ALARM if n % 5 == 2 else DATA
        outbox.put(lane, "1234abcd", identity.boot, seq, _payload(seq), 1000 * n)
        if device.dead:
            return
        loose = [held.seq for held in outbox._loose]
        for safe in range(seq + 1):
            if safe not in loose and safe not in acked:
                promised.add(safe)
        if n >= _LAG:
            acked.add(seq - _LAG)
            outbox.acknowledge("1234abcd", identity.boot, [[seq - _LAG, seq - _LAG]])
        if device.dead:
            return


def _check(storage, promised, acked, result):
    identity, outbox, ledger = _start(storage)
    found = set()
    for lane in (ALARM, DATA):
        place = Place()
        held = outbox.next(lane, place)
        while held:
            if outbox.payload(held) != _payload(held.seq):
                result["corrupt"] += 1
            found.add(held.seq)
            held = outbox.next(lane, place)
    result["lost"] += len(promised - acked - found)
    result["repeated"] += len(found & acked)
    row = ledger.boots("1234abcd", identity.boot, 0, outbox.held("1234abcd"))[0]
    named = set()
    for lo, hi, _ in row["dropped"]:
        named.update(range(lo, hi + 1))
    used = identity_used(storage)
    result["unexplained"] += len(set(range(used)) - found - acked - named)
    outbox.put(ALARM, "1234abcd", identity.boot, 0, b"again", 0)
    if outbox.lowest_loose() is not None:
        result["unwritable"] += 1


def identity_used(storage):
    return storage["numbers1"] >> 6


def _unmount():
    # Nothing open may outlive its file system: closing it later would crash LittleFS.
    while _opened:
        for lane in _opened.pop()._lanes.values():
            lane.close()
    gc.collect()
    try:
        vfs.umount("/f")
    except OSError:
        pass


def _device(cut_at, torn):
    device = FlashModel(_PATH, _BLOCKS)
    device.cut_at, device.torn = cut_at, torn
    return device


def _one(cut_at, torn, result):
    try:
        os.remove(_PATH)
    except OSError:
        pass
    vfs.VfsLfs2.mkfs(FlashModel(_PATH, _BLOCKS))
    storage, promised, acked = _Storage(), set(), set()
    device = _device(cut_at, torn)
    try:
        _mount(device)
        _work(device, storage, promised, acked)
    except OSError:
        result["stopped"] += 1
    ops = device.ops
    _unmount()
    if "numbers1" not in storage:
        return ops
    try:
        _mount(FlashModel(_PATH, _BLOCKS))
    except OSError:
        result["file_systems_lost"] += 1
        return ops
    _check(storage, promised, acked, result)
    _unmount()
    result["cuts"] += 1
    return ops


def _forget(segments):
    if segments._file is not None and segments.all[-1].size_bytes >= 4096:
        segments.close()


def _run():
    result = dict.fromkeys(("cuts", "lost", "corrupt", "unexplained", "repeated", "unwritable"), 0)
    result.update({"stopped": 0, "file_systems_lost": 0})
    if _MODE == "forgetful":
        Segments.flush = _forget
    operations = _one(None, 0, result)
    result["cuts"] = 0
    for torn in (0, 1, 2, 4):
        for cut_at in range(1 + torn, operations, _STEP):
            _one(cut_at, torn, result)
    result["operations"] = operations
    print(json.dumps(result))


_run()
