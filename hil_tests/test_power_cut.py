"""The power goes while packs are unacknowledged: all are kept, or named as dropped."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import POWER, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway, explained
from waiting import wait_until

# One more than telemetry's batch of 10, and the alarm lane's first packs.
_PACKS = 14


@pytest.mark.needs(POWER)
def test_unacknowledged_packs_survive_a_power_cut(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    port = broker.port
    with StandInGateway(broker.ca_dir, port, node.name, acknowledging=False) as gateway:
        node.start()
        wait_until(lambda: len(gateway.packs) >= _PACKS, "packs, none acknowledged", 60)
        bench.set_power(False)
        before = set(gateway.packs)
        ((epoch, boot),) = {key[:2] for key in before}
        alarms = {key for key in before if gateway.lanes[key] == "alarm"}
        assert alarms
        gateway.packs.clear()
        gateway.acknowledging = True
        bench.set_power(True)
        wait_until(lambda: alarms <= set(gateway.packs), "the alarms of the boot before", 60)
        wait_until(lambda: explained(gateway, epoch, boot, before), "every number of it", 60)
        wait_until(lambda: _of(gateway, boot) >= 10, "the telemetry that was on flash")
        assert {key[1] for key in gateway.packs} == {boot, boot + 1}
        assert gateway.bad == []


def _of(gateway: StandInGateway, boot: int) -> int:
    return sum(key[1] == boot for key in gateway.packs)
