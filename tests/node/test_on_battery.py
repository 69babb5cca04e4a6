"""A battery node on the virtual board: deep sleep, a float switch, power cuts, a real broker."""

from collections.abc import Iterator
from typing import Any

import pytest
from haidang_board.rig import Board
from node_settings import settings
from stand_in_gateway import StandInGateway
from waiting import wait_until

from node_bench import NODE, Bench

FLOAT_PIN = 33


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("battery")) as bench:
        yield bench


@pytest.fixture(autouse=True)
def fresh_broker(bench: Bench) -> Iterator[None]:
    bench.broker.stop()
    bench.broker.start()
    yield
    if bench.newest is not None:
        print(bench.newest.console.decode(errors="replace")[-6000:])


def battery(bench: Bench, **power: int) -> dict[str, Any]:
    document = settings(bench.broker.port)
    document["sensors"] = {}
    document["power"] = {"sleep_s": 10, "connect_s": 30, "wake_pin": FLOAT_PIN, **power}
    document["led_pin"] = -1
    return document


def gateway(bench: Bench, **options: Any) -> StandInGateway:
    return StandInGateway(bench.ca, bench.broker.port, NODE, **options)


def asleep(board: Board, times: int) -> None:
    wait_until(lambda: board.console.count(b"sleeps for") >= times, f"sleep {times}", 60)
    wait_until(lambda: not board.powered, "the board's sleep")


def test_a_float_switch_wakes_the_node_and_its_alarm_is_at_the_gateway(bench: Bench) -> None:
    board = bench.board(battery(bench, sleep_s=3600, connect_s=3600))
    board.heap = "300K"
    board.world.set_level(FLOAT_PIN, 1)
    with gateway(bench) as gw, board:
        board.power_on()
        asleep(board, 1)
        assert gw.statuses[-1]["heartbeat_s"] == 3600
        assert gw.statuses[-1]["mode"] == "sleep"
        assert gw.statuses[-1]["sensors"] == ["flood"]
        assert gw.seen("flood/float") != []
        assert not any(gw.seen("flood/float"))
        board.world.set_level(FLOAT_PIN, 0)
        wait_until(lambda: True in gw.seen("flood/float"), "the alarm")
        assert "warning" in gw.seen("flood/state")
        # The switch stays closed: armed for its opening, the node sleeps.
        asleep(board, 2)
        boots = board.boots
        board.world.set_level(FLOAT_PIN, 1)
        wait_until(lambda: gw.seen("flood/state")[-1] == "normal", "the all-clear")
        asleep(board, 3)
        assert board.boots == boots + 1
        assert gw.bad == []
        assert {key[1] for key in gw.packs} == {1}, "no boot is counted for a wake"
