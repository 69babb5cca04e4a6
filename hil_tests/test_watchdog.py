"""A loop that hangs, planted from a technician's prompt: the watchdog restarts the chip."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_HUNG_INTERPRETER = """
import haidang_node.sensors.smoke as smoke
_sample, _turns = smoke.Smoke.sample, []
def hang(self, now_ms):
    _turns.append(now_ms)
    while len(_turns) > 5:
        pass
    _sample(self, now_ms)
smoke.Smoke.sample = hang
"""
_HUNG_LOOP = """
import asyncio
import haidang_node.lamp as lamp
async def hang(self):
    await asyncio.Event().wait()
lamp.Lamp.run = hang
"""


@pytest.mark.needs(CONSOLE)
@pytest.mark.parametrize("planted", [_HUNG_INTERPRETER, _HUNG_LOOP], ids=["all", "one loop"])
def test_a_hang_ends_in_a_restart_that_names_the_watchdog(
    node: Node, broker: Broker, planted: str
) -> None:
    node.prepare(watchdog_ms=3000)
    node.plant(planted)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: gateway.statuses, "a status before it hangs", 60)
        hung = gateway.statuses[0]["hb"]
        wait_until(lambda: gateway.statuses[-1]["hb"] == hung + 1, "the boot after it", 60)
        assert gateway.statuses[-1]["reset"] == "watchdog"
        assert ("hangs" in node.console) == (planted is _HUNG_LOOP)
        boot = len(gateway.packs)
        wait_until(lambda: len(gateway.packs) > boot, "packs of the boot after it", 30)
        assert gateway.bad == []
