"""The gateway's time jumps: packs, durations and alarms do not care, only the dates follow."""

import itertools

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE, SMOKE_ADC, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway, complete
from waiting import wait_until

_DAY_MS = 86_400_000
_CLOSE_MS = 5000
_ALARM_S = 15.0


@pytest.mark.needs(SMOKE_ADC, CONSOLE)
def test_a_jump_of_the_gateways_clock_moves_dates_and_nothing_else(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as before:
        node.start()
        wait_until(lambda: _dated(before), "a dated pack", 60)
    broker.kill()
    broker.start()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as ahead:
        ahead.clock_ahead_ms = _DAY_MS
        wait_until(lambda: ahead.packs, "packs after the jump", 60)
        bench.set_smoke_ppm(2000)
        wait_until(lambda: "alarm" in ahead.seen("smoke/state"), "the alarm", _ALARM_S)
        wait_until(lambda: complete(before, ahead), "every number of the boot", 60)
        bench.set_smoke_ppm(0)
    packs = {key: copies[0] for one in (before, ahead) for key, copies in one.packs.items()}
    uptimes = [packs[key].up_ms for key in sorted(packs)]
    assert all(b - a > -_CLOSE_MS for a, b in itertools.pairwise(uptimes)), uptimes
    with StandInGateway(broker.ca_dir, broker.port, node.name) as behind:
        behind.clock_ahead_ms = -_DAY_MS
        node.start()
        wait_until(lambda: _dated(behind), "the next boot's packs with yesterday's date", 60)
    assert before.bad + ahead.bad + behind.bad == []


def _dated(gateway: StandInGateway) -> bool:
    """Whether a pack carries the date that this gateway's clock shows."""
    return any(
        pack.unix_ms is not None and abs(pack.unix_ms - gateway.unix_ms(pack.up_ms)) < _CLOSE_MS
        for copies in list(gateway.packs.values())
        for pack in copies
    )
