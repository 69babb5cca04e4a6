"""Wi-Fi and broker trouble with the whole node: hours without a network, wrong keys, silence."""

import pytest
from haidang_board.rig import Board
from haidang_tools.fault_proxy import FaultProxy
from node_settings import settings
from stand_in_gateway import complete
from waiting import wait_until

from node_bench import Bench

pytestmark = pytest.mark.usefixtures("fresh_broker")


def node(bench: Bench, port: int = 0, **changes: int) -> Board:
    document = settings(port or bench.broker.port) | changes
    document["wifi"] = [{"ssid": "market", "key": "one"}, {"ssid": "school", "key": "two"}]
    board: Board = bench.board(document)
    # The heap has tests of its own; fast time takes some for itself.
    board.heap = "300K"
    board.world.networks = {"market": "one"}
    return board


def joins(board: Board) -> int:
    return board.console.count(b"joining -> up")


def test_hours_without_a_network_then_another_one_and_nothing_is_lost(bench: Bench) -> None:
    board = node(bench, report_s=120, heartbeat_s=300)
    board.fast = True
    board.world.networks = {"market": "a key of another time"}
    with bench.gateway() as gw, board:
        board.power_on()
        board.hurry(2 * 3600 * 1000)
        assert joins(board) == 0
        assert board.boots == 1
        board.world.networks = {"school": "two"}
        board.hurry(120_000)
        wait_until(lambda: complete(gw), "every number of the boot", 60)
        assert board.boots == 1
        assert gw.bad == []


def test_a_lost_network_ends_the_connection_at_once_and_the_other_takes_over(
    bench: Bench,
) -> None:
    board = node(bench)
    with bench.gateway() as gw, board:
        board.power_on()
        wait_until(lambda: len(gw.packs) >= 3, "the first packs")
        board.world.networks = {"school": "two"}
        wait_until(lambda: b"the network went away" in board.console, "the loss", 12)
        wait_until(lambda: joins(board) == 2, "the other network")
        held = len(gw.packs)
        wait_until(lambda: len(gw.packs) > held + 3, "packs over the other network")


def test_a_radio_that_hangs_is_switched_off_and_on(bench: Bench) -> None:
    board = node(bench)
    board.world.radio_fault = "error"
    with bench.gateway() as gw, board:
        board.power_on()
        wait_until(lambda: gw.seen("smoke/ratio"), "a reading")
        assert board.boots == 1


def test_a_line_that_goes_silent_is_left_within_a_minute(bench: Bench) -> None:
    with FaultProxy(bench.broker.port) as proxy:
        board = node(bench, proxy.port)
        board.fast = True
        with bench.gateway() as gw, board:
            board.power_on()
            wait_until(lambda: len(gw.packs) >= 3, "the first packs")
            proxy.stall()
            board.hurry(60_000)
            assert b"reaching the gateway failed" in board.console
            assert board.boots == 1
