"""Runs in MicroPython: writes a board's flash image, with packs already held where wanted.

Arguments: image, folder whose files go onto it, node id, number of held packs. Prints the board's
NVS as one JSON object.
"""

import json
import os
import sys

import vfs
from flash import Flash
from haidang_node import log
from haidang_node.identity import Identity
from haidang_node.ledger import Ledger
from haidang_node.outbox import DATA, Outbox
from haidang_wire.senml import Fixed, Pack, Record, encode_pack

_IMAGE, _FOLDER, _NODE, _PACKS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
_MINUTE_MS = 60000
_BLOCKS = 512


class _Storage(dict):
    """The NVS partition."""

    def put(self, key, value):
        self[key] = value

    def commit(self):
        pass


def _copy(source, target):
    for name, kind, *_ in os.ilistdir(source):
        below, at = source + "/" + name, target + "/" + name
        if kind == 0x4000:
            os.mkdir(at)
            _copy(below, at)
            continue
        with open(below, "rb") as file:
            data = file.read()
        with open(at, "wb") as file:
            file.write(data)


def _readings(n):
    # One minute of a node with all three sensors.
    at_ms = (n + 1) * _MINUTE_MS
    return [
        Record("smoke/health", "ok", at_ms),
        Record("smoke/mv", 1100 + n % 7, at_ms),
        Record("smoke/ratio", Fixed(1000 - n % 9, 3), at_ms),
        Record("smoke/contact", False, at_ms),
        Record("smoke/state", "normal", at_ms),
        Record("flood/health", "ok", at_ms),
        Record("flood/level", n % 5, at_ms),
        Record("flood/rate", 0, at_ms),
        Record("flood/state", "normal", at_ms),
        Record("footfall/health", "ok", at_ms),
        Record("footfall/devices", 40 + n % 11, at_ms),
        Record("footfall/low", 38, at_ms),
        Record("footfall/high", 52, at_ms),
        Record("footfall/frames", 300, at_ms),
        Record("footfall/window", 60, at_ms),
        Record("footfall/source", "sniffer", at_ms),
    ]


def _fill(storage):
    # As a node would that had no gateway for so many minutes.
    ledger = Ledger("/f/outbox/ledger")
    outbox = Outbox("/f/outbox", 1048576, ledger)
    ledger.open()
    outbox.open(None)
    # Another one for each image: the broker may still hold acknowledgements for the last board.
    epoch = int.from_bytes(os.urandom(4), "big")
    identity = Identity(storage, lambda: epoch)
    identity.begin()
    for n in range(_PACKS):
        records = _readings(n)
        at_ms = records[0].up_ms
        seq = identity.take()
        unix_ms = 1764000000000 + at_ms
        pack = Pack(_NODE, identity.epoch, identity.boot, seq, at_ms, unix_ms, records)
        data = encode_pack(pack)
        outbox.put(DATA, identity.epoch, identity.boot, seq, data, at_ms)
    outbox.close()
    identity.save(outbox.lowest_loose())


log.start(log.ERROR, lambda: 0)
_device = Flash(_IMAGE, _BLOCKS)
vfs.VfsLfs2.mkfs(_device)
vfs.mount(vfs.VfsLfs2(_device), "/f")
_copy(_FOLDER, "/f")
_storage = _Storage()
if _PACKS:
    _fill(_storage)
vfs.umount("/f")
print(json.dumps({"haidang": {key: "i%d" % value for key, value in _storage.items()}}))
