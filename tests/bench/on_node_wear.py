"""What keeping telemetry costs the flash: the real node's parts, LittleFS, a flash that counts.

Arguments: image file, telemetry packs, "batched", "each" (a flush per pack: the control) or
"online" (everything is acknowledged a second later). Prints one JSON object.
"""

import json
import sys

from flash_model import FlashModel
from haidang_node.outbox import DATA, Outbox

from on_node_street import Nvs, Street, mount

_PATH, _PACKS, _MODE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
_BLOCKS = 512


def _flush_each():
    put = Outbox.put

    def put_and_flush(outbox, *pack):
        put(outbox, *pack)
        outbox._store(DATA)

    Outbox.put = put_and_flush


def _run():
    if _MODE == "each":
        _flush_each()
    device = FlashModel(_PATH, _BLOCKS)
    mount(device)
    nvs = Nvs()
    street = Street(nvs, 10)
    # Telemetry alone is counted: the start's state packs are alarms.
    device.wear = [0] * _BLOCKS
    device.erases = device.prog_bytes = device.reads = 0
    writes = nvs.writes
    first = street.identity.following
    while street.identity.following - first < _PACKS:
        street.second()
        if _MODE == "online":
            following = street.identity.following
            if street.second_number % 10 == 1 and following:
                street.outbox.acknowledge(street.identity.epoch, 1, [[0, following - 1]])
            if street.second_number % 30 == 0:
                street.status.message(street.clock.uptime_ms())
    packs = street.identity.following - first
    print(
        json.dumps(
            {
                "packs": packs,
                "seconds": street.second_number,
                "erases": device.erases,
                "hottest": max(device.wear),
                "prog_bytes": device.prog_bytes,
                "reads": device.reads,
                "bad": device.bad,
                "nvs_writes": nvs.writes - writes,
                "held": street.outbox.count(),
                "dropped": street.ledger.dropped,
            }
        )
    )


_run()
