"""The flash is full to the last block: the node still alarms, and names whatever it dropped."""

import pytest
from haidang_tools.brokers import Broker
from haidang_wire import ranges
from rig.bench import CONSOLE, SMOKE_ADC, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_FILL = """
import os
for size in (65536, 4096, 256, 16):
    block = b'x' * min(size, 4096)
    try:
        with open('/outbox/filler%d' % size, 'wb') as file:
            while True:
                for _ in range(size // len(block)):
                    file.write(block)
                file.flush()
    except OSError as error:
        assert error.errno == 28, error
print(os.statvfs('/')[3])
"""
_ALARM_S = 15.0
_PACKS = 14


@pytest.mark.needs(CONSOLE, SMOKE_ADC)
def test_a_full_flash_costs_telemetry_alone_and_every_number_is_accounted_for(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    node.execute("import os\ntry:\n    os.mkdir('/outbox')\nexcept OSError:\n    pass")
    free = int(node.execute(_FILL))
    assert free <= 2 or free > 1 << 31, "the flash is not full"
    with StandInGateway(broker.ca_dir, broker.port, node.name, acknowledging=False) as gateway:
        node.start()
        wait_until(lambda: len(gateway.packs) >= _PACKS, "packs, none acknowledged", 60)
        bench.set_smoke_ppm(2000)
        wait_until(lambda: "alarm" in gateway.seen("smoke/state"), "the alarm", _ALARM_S)
        gateway.acknowledging = True
        gateway.acknowledge(gateway.packs)
        wait_until(lambda: _accounted(gateway), "every number of the boot", 60)
        assert gateway.bad == []


def _accounted(gateway: StandInGateway) -> bool:
    """Whether the newest status explains each of its boot's numbers that has not come."""
    status = gateway.statuses[-1]
    row = next(row for row in status["boots"] if row["hb"] == status["hb"])
    if row["next"] < _PACKS:
        return False
    mine = (status["he"], status["hb"])
    received = sorted(key[2] for key in list(gateway.packs) if key[:2] == mine)
    numbers = ranges.from_sorted(received)
    for lo, hi in row["held"] + [piece[:2] for piece in row["dropped"]]:
        ranges.add_range(numbers, lo, hi)
    return ranges.gaps(numbers, 0, row["next"]) == []
