"""From a bare board to its first reading, with the technician's own tools."""

from haidang_tools.brokers import Broker
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until


def test_a_bare_board_is_flashed_and_provisioned_and_its_first_reading_arrives(
    node: Node, broker: Broker
) -> None:
    written = node.prepare(bare=True)
    assert written > 20
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        health = wait_until(lambda: gateway.seen("smoke/health"), "the sensor's health", 60)
        # A board without an MQ-2 has no ratio to tell; its fault is its first reading then.
        if health[-1] == "ok":
            wait_until(lambda: gateway.seen("smoke/ratio"), "a reading")
        wait_until(lambda: gateway.statuses, "a status")
        wait_until(lambda: any(p[0].unix_ms for p in gateway.packs.values()), "a pack with time")
        assert gateway.bad == []
        assert gateway.statuses[-1]["sensors"] == ["smoke"]
    assert node.prepare() == 0, "flashing the same application again wrote files"
