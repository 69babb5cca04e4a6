"""Wi-Fi away for an hour of the board's time: nothing is lost, and alarms come first."""

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE, FAST_TIME, SMOKE_ADC, WIFI, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway, complete
from waiting import wait_until

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_REPORT_S = 10
# The two lanes come over two connections and the window holds 24 packs that are not alarms.
_OVERTAKEN = 40


@pytest.mark.needs(WIFI, CONSOLE, FAST_TIME, SMOKE_ADC)
def test_an_hour_without_wifi_loses_nothing_and_alarms_come_first(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare(report_s=_REPORT_S, heartbeat_s=30)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=True)
        wait_until(lambda: gateway.packs, "the first packs", 60)
        bench.set_wifi(False)
        wait_until(lambda: "the network went away" in node.console, "the node misses it", 60)
        known = set(gateway.packs)
        bench.pass_time(_HOUR_MS // 2)
        bench.set_smoke_ppm(2000)
        bench.pass_time(_MINUTE_MS)
        bench.set_smoke_ppm(0)
        bench.pass_time(_HOUR_MS // 2 - _MINUTE_MS)
        assert set(gateway.packs) == known
        bench.set_wifi(True)
        bench.pass_time(_MINUTE_MS)  # the wait between two tries
        wait_until(lambda: len(gateway.packs) > len(known), "the first pack", 60)
        wait_until(lambda: complete(gateway), "every number of the boot", 60)
        late = [gateway.lanes[key] for key in gateway.packs if key not in known]
        assert len(late) >= _HOUR_MS // 1000 // _REPORT_S
        alarms = [place for place, lane in enumerate(late) if lane == "alarm"]
        of_the_hour = alarms[: 3 * len(alarms) // 4]
        assert of_the_hour
        assert of_the_hour[-1] < len(of_the_hour) + _OVERTAKEN, alarms
        assert gateway.bad == []
