"""The power goes while packs are unacknowledged: all are kept, or named as dropped."""

import random
import time

import pytest
from haidang_tools.brokers import Broker
from rig.bench import POWER, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway, explained
from waiting import wait_until

# One more than telemetry's batch of 10, and the alarm lane's first packs.
_PACKS = 14
_CUTS = 5
_LONGEST_LIFE_S = 1.5
_SEED = 20261123


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


@pytest.mark.needs(POWER)
def test_power_cuts_at_any_moment_leave_no_number_unexplained_and_none_used_twice(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    chance = random.Random(_SEED)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: gateway.packs, "the first pack", 60)
        for _ in range(_CUTS):
            time.sleep(chance.uniform(0.02, _LONGEST_LIFE_S))
            bench.set_power(False)
            bench.set_power(True)
        wait_until(lambda: _settled(gateway), "every number of every boot", 60)
        for copies in gateway.packs.values():
            assert all(copy == copies[0] for copy in copies), "a number was used twice"
        assert gateway.bad == []


def _settled(gateway: StandInGateway) -> bool:
    """Whether the boots before the present one are explained and the present one is heard."""
    newest = gateway.statuses[-1]
    boots = {row["hb"] for row in newest["boots"]}
    heard = any(key[1] == newest["hb"] for key in gateway.packs)
    earlier = boots - {newest["hb"]}
    return heard and all(explained(gateway, newest["he"], boot, set()) for boot in earlier)


def _of(gateway: StandInGateway, boot: int) -> int:
    return sum(key[1] == boot for key in gateway.packs)
