"""Orders to a node on the virtual board: trials, each order once, self-test, calibration."""

import json
from typing import Any

from node_settings import settings
from stand_in_gateway import StandInGateway
from waiting import wait_until

from node_bench import Bench, at_the_board, reply, working


def test_a_node_json_that_only_the_link_can_be_read_from_is_mended_over_the_air(
    bench: Bench, gw: StandInGateway
) -> None:
    document = settings(bench.broker.port)
    board = bench.board({**document, "sensors": {"rain": {}}})
    with board:
        board.power_on()
        wait_until(lambda: gw.statuses, "safe mode's link", 60)
        assert gw.statuses[-1]["mode"] == "safe"
        patch = {"sensors": {"rain": None, "smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 5}}}
        gw.order("config", "c-1", {"set": patch})
        assert reply(gw, "c-1")["out"] == {"trial_s": 300}
        outcome = reply(gw, "c-1", 1)
        assert outcome["out"]["kept"] is True
        wait_until(lambda: gw.statuses[-1].get("cfg") == outcome["out"]["cfg"], "the status")
        assert gw.statuses[-1]["sensors"] == ["smoke"]


def test_a_good_configuration_is_kept_and_a_wrong_one_is_named(
    bench: Bench, gw: StandInGateway
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        board.power_on()
        before = working(gw)["cfg"]
        gw.order("config", "c-1", {"set": {"report": 3, "heartbeat_s": 1}})
        refused = reply(gw, "c-1")
        assert "report is not a field" in refused["err"]
        assert "heartbeat_s is 1" in refused["err"]
        assert board.boots == 1
        gw.order("config", "c-2", {"set": {"heartbeat_s": 6}})
        assert reply(gw, "c-2")["out"] == {"trial_s": 300}
        outcome = reply(gw, "c-2", 1)
        assert outcome["ok"] is True
        wait_until(lambda: gw.statuses[-1].get("cfg") == outcome["out"]["cfg"], "the status")
        wait_until(lambda: "mode" not in gw.statuses[-1], "the end of the trial")
        assert outcome["out"]["cfg"] != before
        assert gw.statuses[-1]["heartbeat_s"] == 6
        assert board.boots == 2
        # And for good.
        board.power_off()
        board.power_on()
        wait_until(lambda: gw.statuses[-1]["hb"] == 3, "the next start")
        assert gw.statuses[-1]["heartbeat_s"] == 6
        assert gw.bad == []


def test_a_wrong_key_is_rolled_back_though_the_power_fails_meanwhile(
    bench: Bench, gw: StandInGateway
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        board.power_on()
        before = working(gw)["cfg"]
        change = {"wifi": [{"ssid": "demo", "key": "wrong key"}]}
        gw.order("config", "c-1", {"set": change, "trial_s": 40})
        assert reply(gw, "c-1")["out"] == {"trial_s": 40}
        wait_until(lambda: b"on trial for" in board.console, "the trial")
        board.power_off()
        board.power_on()
        outcome = reply(gw, "c-1", 1)
        assert outcome["ok"] is False
        assert outcome["err"].startswith("rolled back: the gateway was not reached")
        wait_until(lambda: gw.statuses[-1].get("cfg") == before, "the old configuration")
        assert "mode" not in gw.statuses[-1]
        assert gw.bad == []


def test_a_power_cut_behind_the_saved_id_executes_nothing_twice(
    bench: Bench, gw: StandInGateway
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        board.power_on()
        working(gw)
        gw.order("reboot", "c-1")
        wait_until(lambda: b"executed: reboot" in board.console, "the order")
        board.power_off()
        board.power_on()
        reply(gw, "c-1")
        # The third one where the order's own restart began before the cut.
        wait_until(lambda: gw.statuses[-1]["hb"] in (2, 3), "the next boot")
        gw.order("identify", "c-2")
        reply(gw, "c-2")
        boot = gw.statuses[-1]["hb"]
        gw.order("reboot", "c-1")
        # The first answer may be told twice: its acknowledgement was late.
        wait_until(
            lambda: [one for one in gw.replies if one["id"] == "c-1" and _came_again(one)],
            "the answer to a command that came again",
            60,
        )
        gw.order("identify", "c-3")
        reply(gw, "c-3")
        assert gw.statuses[-1]["hb"] == boot


def _came_again(said: dict[str, Any]) -> bool:
    """Whether the cut came behind the first answer's way to flash, or before it."""
    return said.get("out") == {"again": True} or said.get("err") == "refused when it came first"


def test_self_test_and_calibration_answer_and_change_what_they_must(
    bench: Bench, gw: StandInGateway
) -> None:
    board = bench.board(settings(bench.broker.port, flood={"mount_mm": 3000}))
    board.world.water_mm = 20
    with board:
        board.power_on()
        wait_until(lambda: gw.seen("flood/level"), "a level", 60)
        gw.order("selftest", "c-1")
        told = reply(gw, "c-1")["out"]["sensors"]["flood"]
        assert told["ok"] is True
        assert abs(told["now"]["flood/level"] - 20) <= 3
        gw.order("calibrate", "c-2", {"sensor": "smoke"})
        assert "not fitted" in reply(gw, "c-2")["err"]
        gw.order("calibrate", "c-3", {"sensor": "flood", "level_mm": 9000})
        assert "mount_mm would be" in reply(gw, "c-3")["err"]
        gw.order("calibrate", "c-4", {"sensor": "flood", "level_mm": 50})
        assert abs(reply(gw, "c-4")["out"]["mount_mm"] - 3030) <= 3
        wait_until(lambda: gw.statuses[-1]["hb"] == 2, "the restart")
        wait_until(lambda: abs(gw.seen("flood/level")[-1] - 50) <= 3, "the new zero")
        assert gw.statuses[-1]["why"] == "calibrated flood"


def test_node_json_is_never_in_pieces_on_the_board(bench: Bench, gw: StandInGateway) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        board.power_on()
        working(gw)
        gw.order("config", "c-1", {"set": {"led_pin": 4}})
        reply(gw, "c-1", 1)
        text = at_the_board(board, "fs", "cat", ":/node.json")
        assert json.loads(text)["led_pin"] == 4
        listed = at_the_board(board, "fs", "ls", ":/")
        assert "trial" not in listed
