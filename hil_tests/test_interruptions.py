"""Broker, gateway or Wi-Fi away and back: every number of the boot arrives."""

import time

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONSOLE, WIFI, Bench
from rig.node import Node
from stand_in_gateway import PackKey, StandInGateway, complete
from waiting import wait_until

_RETURN_S = 60.0
# The node makes a pack a second: some of them must fall into the time away.
_AWAY_S = 3.0
_MADE_AWAY = 2


@pytest.mark.needs(CONSOLE)
def test_a_killed_broker_and_an_absent_gateway_lose_nothing(node: Node, broker: Broker) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as before:
        node.start()
        wait_until(lambda: len(before.packs) >= 3, "the first packs", 60)
    known = set(before.packs)
    # Nobody is subscribed now; the broker dies with whatever it took.
    broker.kill()
    wait_until(lambda: "reaching the gateway failed" in node.console, "the node misses it", 60)
    time.sleep(_AWAY_S)
    broker.start()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as after:
        wait_until(lambda: after.packs, "packs again", _RETURN_S)
        wait_until(lambda: complete(before, after), "every number of the boot", _RETURN_S)
        assert _made_away(after, _last_up_ms(before, known)) >= _MADE_AWAY
        assert after.bad == []


def test_a_killed_gateway_loses_nothing(node: Node, broker: Broker) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as before:
        node.start()
        wait_until(lambda: len(before.packs) >= 3, "the first packs", 60)
        before.kill()
    known = set(before.packs)
    time.sleep(_AWAY_S)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as after:
        wait_until(lambda: complete(before, after), "every number of the boot", _RETURN_S)
        assert _made_away(after, _last_up_ms(before, known)) >= _MADE_AWAY
        assert after.bad == []


@pytest.mark.needs(WIFI, CONSOLE)
def test_wifi_away_and_back_loses_nothing(bench: Bench, node: Node, broker: Broker) -> None:
    node.prepare()
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: len(gateway.packs) >= 3, "the first packs", 60)
        bench.set_wifi(False)
        wait_until(lambda: "the network went away" in node.console, "the node misses it", 60)
        known = set(gateway.packs)
        time.sleep(_AWAY_S)
        assert set(gateway.packs) == known
        bench.set_wifi(True)
        wait_until(lambda: len(gateway.packs) > len(known) + 3, "packs again", _RETURN_S)
        wait_until(lambda: complete(gateway), "every number of the boot", _RETURN_S)
        assert _made_away(gateway, _last_up_ms(gateway, known)) >= _MADE_AWAY
        assert gateway.bad == []


def _last_up_ms(gateway: StandInGateway, keys: set[PackKey]) -> int:
    last_ms: int = max(gateway.packs[key][0].up_ms for key in keys)
    return last_ms


def _made_away(gateway: StandInGateway, since_ms: int) -> int:
    end_ms = since_ms + int(_AWAY_S * 1000)
    return sum(since_ms < copies[0].up_ms <= end_ms for copies in gateway.packs.values())
