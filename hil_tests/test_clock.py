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
_ALARM_S = 6.0


@pytest.mark.needs(SMOKE_ADC, CONSOLE)
def test_a_jump_of_the_gateways_clock_moves_dates_and_nothing_else(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: _dated(gateway), "a dated pack", 60)
    seen = [gateway]
    for ahead_ms in (_DAY_MS, -_DAY_MS):
        broker.kill()  # a connection begins with a question for the time
        broker.start()
        with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
            gateway.clock_ahead_ms = ahead_ms
            seen.append(gateway)
            wait_until(lambda: _dated(seen[-1]), "packs with the new date", 60)
            if ahead_ms < 0:
                bench.set_smoke_ppm(2000)
                wait_until(lambda: "alarm" in seen[-1].seen("smoke/state"), "alarm", _ALARM_S)
                wait_until(lambda: complete(*seen), "every number of the boot", 60)
            assert gateway.bad == []
    packs = {key: copies[0] for gateway in seen for key, copies in gateway.packs.items()}
    uptimes = [packs[key].up_ms for key in sorted(packs)]
    backwards = [b - a for a, b in itertools.pairwise(uptimes) if b < a]
    assert all(step > -_CLOSE_MS for step in backwards), "an uptime went with the date"


def _dated(gateway: StandInGateway) -> bool:
    """Whether a pack carries the date that this gateway's clock shows."""
    return any(
        pack.unix_ms is not None and abs(pack.unix_ms - gateway.unix_ms(pack.up_ms)) < _CLOSE_MS
        for copies in list(gateway.packs.values())
        for pack in copies
    )
