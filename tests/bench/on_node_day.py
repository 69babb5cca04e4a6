"""A day without a gateway: what the outbox holds of it, what it takes, what a start costs then.

Arguments: image file, then "fill", seconds, alarms: readings once a minute, figures as by default,
alarms as snapshots of all sensors spread over the time. Or "open": the start behind a power cut,
then every alarm acknowledged, then every second pack of telemetry. Prints one JSON object.
"""

import gc
import json
import sys
import time

import vfs
from flash_model import FlashModel
from haidang_node import loading
from haidang_node.ledger import Ledger
from haidang_node.outbox import ALARM, DATA, Outbox, Place

from on_node_street import Nvs, Street, bytes_used, close, mount

_PATH, _WHAT = sys.argv[1], sys.argv[2]
_EPOCH = "9f3c01aa"


def _fill(seconds, alarms):
    device = FlashModel(_PATH, 512)
    mount(device)
    street = Street(Nvs(), 60)
    every = seconds // alarms
    told = 0
    reads = 0
    while street.second_number < seconds:
        before = device.reads
        street.second()
        if street.second_number % every == 0 and told < alarms:
            told += 1
            street.reporter.snapshot()
        reads = max(reads, device.reads - before)
    status = street.status.message(street.clock.uptime_ms())
    street.outbox.close()
    result = {
        "alarms": told,
        "packs": street.outbox.count(),
        "following": street.identity.following,
        "dropped": street.ledger.dropped,
        "used_bytes": bytes_used(),
        "most_reads_at_once": reads,
        "status_bytes": len(status),
        "told": json.loads(status)["boots"][0]["held"],
    }
    close(street)
    return result


def _heap():
    gc.collect()
    return gc.mem_alloc()


def _seqs(outbox, lane):
    place = Place()
    held = outbox.next(lane, place)
    while held:
        yield held.seq
        held = outbox.next(lane, place)


def _open():
    device = FlashModel(_PATH, 512)
    vfs.mount(vfs.VfsLfs2(device), "/f")
    ledger = Ledger("/f/outbox/ledger")
    ledger.open()
    # What is measured is the index, without the code that is loaded on demand.
    loading.load("haidang_node.recovery")
    before = _heap()
    outbox = Outbox("/f/outbox", 1 << 20, ledger)
    reads, began_us = device.reads, time.ticks_us()
    outbox.open((_EPOCH, 1, 1, 0))
    result = {
        "open_us": time.ticks_us() - began_us,
        "open_reads": device.reads - reads,
        "found": outbox.count(),
        "corrupt": outbox.corrupt,
        "heap_full": _heap() - before,
    }
    for seq in _seqs(outbox, ALARM):
        outbox.acknowledge(_EPOCH, 1, [[seq, seq]])
    result["heap_alarms_acked"] = _heap() - before
    freed = 0
    for number, seq in enumerate(_seqs(outbox, DATA)):
        if number % 2 and freed < 1820:
            freed += outbox.acknowledge(_EPOCH, 1, [[seq, seq]])
    result["left"] = outbox.count()
    result["heap_scattered"] = _heap() - before
    result["ranges_told"] = len(outbox.held(_EPOCH)[1])
    outbox.close()
    vfs.umount("/f")
    return result


print(json.dumps(_fill(int(sys.argv[3]), int(sys.argv[4])) if _WHAT == "fill" else _open()))
