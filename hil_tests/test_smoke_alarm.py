"""From smoke at the sensor to a pack in the alarm lane."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import SMOKE_ADC, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_SMOKE_PPM = 2000.0
# Dense smoke for four seconds decides; the rest is the way.
_ALARM_S = 15.0


@pytest.mark.needs(SMOKE_ADC)
def test_smoke_becomes_an_alarm_lane_pack_and_clean_air_ends_it(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: gateway.seen("smoke/ratio"), "a reading in clean air", 60)
        assert "alarm" not in gateway.seen("smoke/state")
        bench.set_smoke_ppm(_SMOKE_PPM)
        wait_until(lambda: "alarm" in _alarm_lane(gateway), "the alarm", _ALARM_S)
        bench.set_smoke_ppm(0)
        wait_until(lambda: _alarm_lane(gateway)[-1] == "normal", "the all-clear")
        assert gateway.bad == []


def _alarm_lane(gateway: StandInGateway) -> list[object]:
    packs = [copies[0] for key, copies in gateway.packs.items() if gateway.lanes[key] == "alarm"]
    return [r.value for pack in packs for r in pack.records if r.name == "smoke/state"]
