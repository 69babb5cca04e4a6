"""72 hours of a node's life: nothing lost, and a heap that stays as it was."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import FAST_TIME, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway, complete
from waiting import wait_until

_HOUR_MS = 3_600_000
_STEP_MS = 120_000
_SHORT_MS = 600_000
_REPORT_S = 30
# The figures differ by what a collection has just left behind, not by more.
_DRIFT_BYTES = 3072


@pytest.mark.soak
@pytest.mark.needs(FAST_TIME)
def test_hours_of_life_lose_nothing_and_leave_the_heap_as_it_was(
    bench: Bench, node: Node, broker: Broker, pytestconfig: pytest.Config
) -> None:
    long = pytestconfig.getoption("--soak", default=False)
    sensors = {"smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 5}}
    node.prepare(report_s=_REPORT_S, heartbeat_s=60, sensors=sensors)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=True)
        wait_until(lambda: gateway.packs, "the first packs", 60)
        for _ in range((72 * _HOUR_MS if long else _SHORT_MS) // _STEP_MS):
            bench.pass_time(_STEP_MS)
        wait_until(lambda: complete(gateway), "every number of the one boot", 60)
        free = gateway.seen("node/heap_min")
        quarter = len(free) // 4
        early, late = free[quarter : 2 * quarter], free[-quarter:]
        assert min(late) > min(early) - _DRIFT_BYTES, free
        assert len(gateway.packs) >= len(free)
        assert gateway.bad == []
