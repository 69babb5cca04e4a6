"""Level meters of each electrical kind from wire to gateway; every way in which they fail."""

from functools import partial
from typing import Any

import pytest
from haidang_tools.brokers import Broker
from rig.bench import FAST_TIME, LEVEL_FAULTS, LEVEL_UART, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

# Lines are judged every 3 s, a loop at once; then a block of 24 readings at 4 Hz is a level.
_FAULT_MS = 8_000
_WELL_MS = 15_000
# What blocks the beam is one after a minute without a level.
_BLOCKED_MS = 75_000
_LEVELS = {"watch_mm": 60, "warning_mm": 90, "danger_mm": 120}


@pytest.mark.needs(LEVEL_UART, LEVEL_FAULTS, FAST_TIME)
@pytest.mark.parametrize(
    ("driver", "faults"),
    [
        ("a02yyuw", {"silent": "silent", "baud": "noisy", "cut": "noisy", "car": "stuck"}),
        ("jsn_sr04t", {"silent": "silent"}),
        ("jsn_pulse", {"silent": "silent"}),
        ("current", {"open": "open", "short": "short"}),
    ],
)
def test_a_level_is_told_and_each_fault_of_its_meter_by_its_name(
    bench: Bench, node: Node, broker: Broker, driver: str, faults: dict[str, str]
) -> None:
    flood = {"driver": driver, "zero_mm": 200, **_LEVELS}
    node.prepare(sensors={"flood": flood}, report_s=10, heartbeat_s=60)
    bench.set_meter(driver)
    bench.set_water_mm(20)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=True)
        wait_until(lambda: gateway.seen("flood/level"), "a level", 60)
        assert abs(gateway.seen("flood/level")[-1] - 20) <= 5
        for fault, health in faults.items():
            _break(bench, fault)
            bench.pass_time(_BLOCKED_MS if fault == "car" else _FAULT_MS)
            wait_until(partial(_tells, gateway, health), f"{fault}: {health}")
            bench.break_meter("")
            bench.set_water_mm(20)
            bench.pass_time(_WELL_MS)
            wait_until(partial(_tells, gateway, "ok"), "the recovery")
        assert set(gateway.seen("flood/state")) == {"normal"}, "no fault is a flood"
        bench.set_water_mm(65)
        bench.pass_time(40_000)
        wait_until(lambda: "watch" in gateway.seen("flood/state"), "the state", 60)
        assert gateway.bad == []


@pytest.mark.needs(LEVEL_UART, LEVEL_FAULTS, FAST_TIME)
def test_a_float_lifts_the_state_of_a_silent_meter(
    bench: Bench, node: Node, broker: Broker
) -> None:
    flood: dict[str, Any] = {"float_pin": 33, "float_mm": 550}
    node.prepare(sensors={"flood": flood}, report_s=10, heartbeat_s=60)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=True)
        wait_until(lambda: gateway.seen("flood/level"), "a level", 60)
        bench.break_meter("silent")
        bench.pass_time(_FAULT_MS)
        wait_until(partial(_tells, gateway, "silent"), "the silent meter")
        bench.set_float(True)
        bench.pass_time(_FAULT_MS)
        wait_until(lambda: "warning" in gateway.seen("flood/state"), "the state by the float")
        assert True in gateway.seen("flood/float")
        assert gateway.bad == []


def _break(bench: Bench, fault: str) -> None:
    if fault == "car":
        bench.set_water_mm(1450)
    else:
        bench.break_meter(fault)


def _tells(gateway: StandInGateway, health: str) -> bool:
    told = gateway.seen("flood/health")
    return bool(told) and told[-1] == health
