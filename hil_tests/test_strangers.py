"""A wrong certificate on either side: no pack leaves, and the right one mends it."""

from pathlib import Path

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE, Bench
from rig.node import Node, mixed_authority
from stand_in_gateway import StandInGateway
from waiting import wait_until


@pytest.mark.needs(CONSOLE)
@pytest.mark.parametrize("stranger", ["node", "broker"])
def test_a_stranger_is_refused_and_the_right_certificate_mends_it(
    node: Node, broker: Broker, tmp_path: Path, stranger: str
) -> None:
    node.prepare()
    node.prepare(mixed_authority(tmp_path, broker.ca_dir, node.name, stranger=stranger))
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: "reaching the gateway failed" in node.console, "the refusal", 60)
        assert "connected" not in node.console.replace("connecting", "")
        assert not gateway.packs
        node.prepare()
        node.start()
        wait_until(lambda: gateway.packs, "packs with the right certificate", 60)
        assert gateway.bad == []


@pytest.mark.needs(CONSOLE)
def test_a_broker_with_a_certificate_of_another_name_gets_no_pack(
    bench: Bench, node: Node, broker: Broker
) -> None:
    named = {"host": bench.host, "port": broker.port, "server_name": "another.local"}
    node.prepare(broker=named)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: "reaching the gateway failed" in node.console, "the refusal", 60)
        assert not gateway.packs
