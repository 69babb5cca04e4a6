"""A new configuration is kept when the gateway is reached with it, and rolled back otherwise."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_TRIAL_S = 30
_NOWHERE = {"broker": {"host": "127.0.0.1", "port": 9}}


@pytest.mark.needs(CONSOLE)
@pytest.mark.parametrize(
    ("change", "kept"), [({"report_s": 2}, True), (_NOWHERE, False)], ids=["good", "bad"]
)
def test_a_configuration_on_trial_is_kept_or_rolled_back(
    node: Node, broker: Broker, change: dict[str, object], kept: bool
) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: "clock is set" in node.console, "the time", 60)
        gateway.order("config", "hil-trial", {"set": change, "trial_s": _TRIAL_S})
        wait_until(lambda: len(gateway.replies) >= 2, "both replies", _TRIAL_S + 60)
        first, last = gateway.replies[0], gateway.replies[-1]
        assert first["ok"]
        assert first["out"]["trial_s"] == _TRIAL_S
        assert last["ok"] is kept, last
        assert last["out"]["kept"] is True if kept else "rolled back" in last["err"]
        packs = len(gateway.packs)
        wait_until(lambda: len(gateway.packs) > packs, "packs after it", 30)
        assert gateway.bad == []
