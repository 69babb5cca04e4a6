"""An application that cannot start: after three tries the node is reachable, and mended there."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_BREAK = """
import os
for name in ('smoke.mpy', 'smoke.py'):
    try:
        os.rename('/haidang_node/sensors/' + name, '/haidang_node/sensors/gone')
    except OSError:
        pass
"""


@pytest.mark.needs(CONSOLE)
def test_an_application_broken_three_times_ends_in_safe_mode_and_flashing_mends_it(
    node: Node, broker: Broker
) -> None:
    node.prepare()
    node.execute(_BREAK)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: _mode(gateway) == "safe", "the status of safe mode", 90)
        assert gateway.statuses[-1]["fails"] >= 3
        assert node.console.count("ImportError") >= 3
        assert gateway.seen("smoke/state") == []
        gateway.order("identify", "hil-safe")
        wait_until(lambda: gateway.replies, "an answer to a command", 30)
        assert node.prepare() >= 1, "nothing was mended"
        node.start()
        wait_until(lambda: gateway.seen("smoke/state"), "readings again", 60)
        wait_until(lambda: _mode(gateway) == "normal", "an ordinary status", 30)
        assert gateway.bad == []


def _mode(gateway: StandInGateway) -> str:
    if not gateway.statuses:
        return ""
    mode: str = gateway.statuses[-1].get("mode", "normal")
    return mode
