"""A board starts before its router and its broker: nothing of what it saw is missing later."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE, WIFI, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway, complete
from waiting import wait_until


@pytest.mark.needs(CONSOLE)
def test_a_board_that_starts_without_a_broker_delivers_from_its_first_number(
    node: Node, broker: Broker
) -> None:
    node.prepare()
    broker.stop()
    node.start()
    wait_until(lambda: "reaching the gateway failed" in node.console, "the node misses it", 60)
    _delivers_everything(node, broker)


@pytest.mark.needs(WIFI, CONSOLE)
def test_a_board_that_starts_without_wifi_and_broker_finds_first_one_then_the_other(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    broker.stop()
    bench.set_wifi(False)
    node.start()
    wait_until(lambda: "smoke:" in node.console, "the node watches without Wi-Fi", 30)
    wait_until(lambda: "joining Wi-Fi failed" in node.console, "the node looks for it", 30)
    assert "joining -> up" not in node.console
    bench.set_wifi(True)
    wait_until(lambda: "joining -> up" in node.console, "the node is in the network", 60)
    wait_until(lambda: "reaching the gateway failed" in node.console, "no broker yet", 60)
    _delivers_everything(node, broker)


def _delivers_everything(node: Node, broker: Broker) -> None:
    broker.start()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        wait_until(lambda: gateway.packs, "the first pack", 60)
        wait_until(lambda: complete(gateway), "every number of the boot", 60)
        assert gateway.bad == []
