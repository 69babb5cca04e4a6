"""The gateway as a process with much at once: nothing piles up, nothing waits for its time."""

import signal
import time

from gateway_kit import World, next_ack, wait_online
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_gateway.store.writes import PACKS_PER_MESSAGE
from node_packs import NODE, pack, smoke, status

ALARM = f"hd/1/n/{NODE}/alarm"
DATA = f"hd/1/n/{NODE}/data"
STATUS = f"hd/1/n/{NODE}/status"


def _with(world: World, before: str, after: str) -> None:
    text = world.config.read_text(encoding="utf-8")
    assert before in text
    world.config.write_text(text.replace(before, after), encoding="utf-8")


def _reading(seq: int) -> bytes:
    return pack(seq, {"n": "smoke/mv", "u": "mV", "v": seq})


def test_a_commit_that_fills_a_message_does_not_wait_for_the_next_bundle(world: World) -> None:
    _with(world, "batch_s = 0.2", "batch_s = 3600")
    with world.gateway(), world.node() as node, world.centre() as centre:
        wait_online(node)
        for seq in range(2 * PACKS_PER_MESSAGE):
            node.publish(DATA, _reading(seq))
        packs = centre.wait_packs(PACKS_PER_MESSAGE)
        assert [records[0]["hs"] for records in packs] == list(range(len(packs)))


def test_a_flood_of_packs_that_piles_up_at_the_broker_does_not_cost_the_connection(
    world: World,
) -> None:
    # mosquitto 2.0.11 sends more than our receive maximum once a full queue meets our PUBACKs.
    count = 1990  # 1,000 in flight and what its queue holds
    with world.gateway() as gateway, world.node() as node:
        wait_online(node)
        gateway.send(signal.SIGSTOP)
        for seq in range(count):
            node.publish(DATA, _reading(seq))
        gateway.send(signal.SIGCONT)
        acked: set[int] = set()
        while len(acked) < count:
            for low, high in next_ack(node)["s"]:
                acked |= set(range(low, high + 1))
        assert "no connection" not in gateway.log
        with reading(world.database) as connection:
            assert queries.ledger_sums(connection) == {"received": count}


def test_an_alarm_overtakes_the_statuses_of_nodes_that_come_back_at_once(world: World) -> None:
    commit_s = 10
    _with(world, "telemetry_commit_ms = 100", f"telemetry_commit_ms = {commit_s * 1000}")
    with world.gateway(), world.node() as node:
        wait_online(node)
        began_s = time.monotonic()
        for _ in range(150):
            node.send(STATUS, status(boots=[]))
        node.publish(ALARM, pack(1, *smoke("alarm"), unix_ms=time.time_ns() // 1_000_000))
        assert next_ack(node)["s"] == [[1, 1]]
        assert time.monotonic() - began_s < commit_s - 1
