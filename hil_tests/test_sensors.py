"""One sensor of each other electrical kind, from its wire to the gateway: contact and UART."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONTACT, LEVEL_UART, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

# A certified detector is believed at its first sample; the rest is the way.
_CONTACT_S = 4.0
# Two blocks of 24 readings at 4 Hz, the rest of one at 1 Hz, and the way.
_LEVEL_S = 90.0


@pytest.mark.needs(CONTACT)
def test_a_detectors_contact_becomes_an_alarm_and_its_release_ends_it(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: gateway.seen("smoke/contact"), "a reading", 60)
        assert True not in gateway.seen("smoke/contact")
        bench.set_contact(True)
        wait_until(lambda: "alarm" in gateway.seen("smoke/state"), "the alarm", _CONTACT_S)
        lanes = {
            gateway.lanes[key]
            for key, copies in gateway.packs.items()
            for record in copies[0].records
            if record.name == "smoke/contact" and record.value is True
        }
        assert "alarm" in lanes
        bench.set_contact(False)
        wait_until(lambda: gateway.seen("smoke/state")[-1] != "alarm", "the all-clear", 30)
        assert gateway.bad == []


@pytest.mark.needs(LEVEL_UART)
def test_water_under_the_meter_becomes_a_level_and_then_a_state(
    bench: Bench, node: Node, broker: Broker
) -> None:
    # A level that a jump may reach: what jumps farther stands in the beam.
    node.prepare(sensors={"flood": {"mount_mm": 3000, "watch_mm": 60}})
    bench.set_water_mm(20)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: gateway.seen("flood/level"), "a level", 60)
        assert abs(gateway.seen("flood/level")[-1] - 20) <= 5
        bench.set_water_mm(65)
        wait_until(lambda: "watch" in gateway.seen("flood/state"), "the state", _LEVEL_S)
        wait_until(lambda: abs(gateway.seen("flood/level")[-1] - 65) <= 5, "the level")
        assert gateway.bad == []
