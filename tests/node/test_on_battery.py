"""A battery node on the virtual board: deep sleep, a float switch, power cuts, a real broker."""

from typing import Any

import pytest
from haidang_board.rig import Board
from node_settings import settings
from stand_in_gateway import StandInGateway, explained
from waiting import wait_until

from node_bench import Bench

FLOAT_PIN = 33

pytestmark = pytest.mark.usefixtures("fresh_broker")


def battery(bench: Bench, **power: int) -> dict[str, Any]:
    document = settings(bench.broker.port)
    document["sensors"] = {}
    document["power"] = {"sleep_s": 10, "connect_s": 30, "wake_pin": FLOAT_PIN, **power}
    document["led_pin"] = -1
    return document


def battery_board(bench: Bench, **power: int) -> Board:
    board: Board = bench.board(battery(bench, **power))
    # The heap has tests of its own; fast time takes some for itself.
    board.heap = "300K"
    return board


def numbers(gw: StandInGateway, boot: int) -> list[int]:
    return sorted(key[2] for key in gw.packs if key[1] == boot)


def asleep(board: Board, times: int) -> None:
    wait_until(lambda: board.console.count(b"sleeps for") >= times, f"sleep {times}")
    wait_until(lambda: not board.powered, "the board's sleep")


def test_a_float_switch_wakes_the_node_and_its_alarm_is_at_the_gateway(bench: Bench) -> None:
    board = battery_board(bench, sleep_s=3600, connect_s=3600)
    board.fast = True
    board.world.set_level(FLOAT_PIN, 1)
    with bench.gateway() as gw, board:
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
        board.hurry(60_000)
        assert board.boots == boots
        board.world.set_level(FLOAT_PIN, 1)
        wait_until(lambda: gw.seen("flood/state")[-1] == "normal", "the all-clear")
        asleep(board, 3)
        assert board.boots == boots + 1
        assert gw.bad == []
        assert {key[1] for key in gw.packs} == {1}, "no boot is counted for a wake"


def test_hours_of_sleep_keep_the_boot_the_numbers_and_the_uptime(bench: Bench) -> None:
    board = battery_board(bench, sleep_s=300, connect_s=1800)
    board.fast = True
    board.world.set_level(FLOAT_PIN, 1)
    with bench.gateway() as gw, board:
        board.power_on()
        board.hurry(3 * 3600 * 1000)
        told = gw.statuses[-1]
        assert told["hb"] == 1
        assert 9_000_000 < told["up_ms"] <= 10_800_000 + 5000
        wait_until(lambda: numbers(gw, 1) == list(range(len(numbers(gw, 1)))), "every number")
        told_of, _, since = board.console.rpartition(b"connect: connected")
        wakes, connections = told_of.count(b"awake for"), told_of.count(b"connect: connected") + 1
        assert wakes + since.count(b"awake for") >= 34
        assert connections >= 6
        # A reading with each wake, figures and a snapshot with each connection.
        assert len(gw.packs) > wakes + 2 * connections, (wakes, connections)
        assert gw.bad == []


def test_a_power_cut_between_sleeps_loses_no_alarm_and_repeats_no_name(bench: Bench) -> None:
    board = battery_board(bench, sleep_s=300, connect_s=86400)
    board.fast = True
    board.world.set_level(FLOAT_PIN, 1)
    with bench.gateway() as gw, board:
        board.power_on()
        asleep(board, 1)
        for _ in range(3):
            board.hurry(300_000)
        wait_until(lambda: not board.powered, "the sleep")
        known = set(gw.packs)
        board.world.wifi_up = False
        board.world.set_level(FLOAT_PIN, 0)
        wait_until(lambda: b"flood: warning" in board.console, "the alarm on the node")
        board.power_off()
        board.world.wifi_up = True
        board.power_on()
        wait_until(lambda: (2, True) in alarms(gw), "the alarm of the second boot")
        wait_until(lambda: (1, True) in alarms(gw), "the alarm from before the cut")
        (epoch,) = {key[0] for key in gw.packs}
        wait_until(lambda: explained(gw, epoch, 1, known), "every number of the first boot")
        causes = {drop[2] for row in gw.statuses[-1]["boots"] for drop in row["dropped"]}
        assert causes == {"power"}, "what was in RTC memory alone is named"
        for copies in gw.packs.values():
            assert all(copy.records == copies[0].records for copy in copies)


def test_a_level_meter_is_read_in_each_wake_and_a_car_that_comes_in_a_sleep_is_no_flood(
    bench: Bench,
) -> None:
    document = battery(bench, sleep_s=60, connect_s=3600, wake_pin=-1)
    document["sensors"] = {"flood": {"watch_mm": 60, "sound_cc": 2500}}
    board: Board = bench.board(document)
    board.heap = "300K"
    board.fast = True
    board.world.water_mm = 20
    with bench.gateway() as gw, board:
        board.power_on()
        asleep(board, 1)
        assert abs(gw.seen("flood/level")[-1] - 20) <= 3
        board.world.water_mm = 70
        board.hurry(130_000)
        wait_until(lambda: "watch" in gw.seen("flood/state"), "the alarm of a wake")
        board.world.water_mm = 1450
        board.hurry(300_000)
        board.world.water_mm = 20
        board.hurry(240_000)
        wait_until(lambda: gw.seen("flood/state")[-1] == "normal", "the all-clear")
        assert {"warning", "danger"}.isdisjoint(gw.seen("flood/state"))
        assert gw.bad == []
        dry = [int(part.split(b" ")[0]) for part in board.console.split(b"awake for ")[1:]]
        assert min(dry) <= 4500, dry


def alarms(gw: StandInGateway) -> set[tuple[int, object]]:
    return {
        (key[1], record.value)
        for key, copies in gw.packs.items()
        for record in copies[0].records
        if record.name == "flood/float" and gw.lanes[key] == "alarm"
    }
