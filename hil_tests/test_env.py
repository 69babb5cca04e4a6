"""The environment sensor from the chip's bytes to the gateway; every way in which it can fail."""

from functools import partial

import pytest
from haidang_tools.brokers import Broker
from rig.bench import AIR_PROBE, FAST_TIME, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

# Rests of 10 s (DHT22: 30 s), then three failures in a row; a frozen value is one after ten
# minutes.
_FAULT_MS = 42_000
_STUCK_MS = 640_000
# Two good readings end a fault, six end noise.
_WELL_MS = 12_000
_QUIET_MS = 30_000


@pytest.mark.needs(AIR_PROBE, FAST_TIME)
@pytest.mark.parametrize(
    ("driver", "faults"),
    [
        ("sht3x", ("silent", "noisy", "short", "open", "stuck")),
        ("aht20", ("uncalibrated",)),
        ("dht22", ("short",)),
    ],
)
def test_air_is_told_and_each_fault_of_its_chip_by_its_name(
    bench: Bench, node: Node, broker: Broker, driver: str, faults: tuple[str, ...]
) -> None:
    node.prepare(sensors={"env": {"driver": driver}}, report_s=300, heartbeat_s=300)
    bench.set_air(31.5, 80.0)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=True)
        wait_until(lambda: gateway.seen("env/temp"), "a reading", 60)
        assert abs(float(gateway.seen("env/temp")[-1]) - 31.5) < 0.2
        assert abs(float(gateway.seen("env/rh")[-1]) - 80.0) < 1
        for fault in faults:
            bench.break_air_probe(fault)
            bench.pass_time(_STUCK_MS if fault == "stuck" else _FAULT_MS)
            wait_until(partial(_tells, gateway, fault), fault)
            bench.set_air(31.5, 80.0)
            bench.pass_time(_QUIET_MS if fault == "noisy" else _WELL_MS)
            wait_until(partial(_tells, gateway, "ok"), "the recovery")
        assert gateway.bad == []


def _tells(gateway: StandInGateway, health: str) -> bool:
    return _health(gateway)[-1] == health


def _health(gateway: StandInGateway) -> list[object]:
    packs = [copies[0] for key, copies in gateway.packs.items() if gateway.lanes[key] == "alarm"]
    return [r.value for pack in packs for r in pack.records if r.name == "env/health"]
