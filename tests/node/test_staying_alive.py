"""A node that is broken on purpose: safe mode, commands, trials, hangs, crashes, full memory."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from haidang_board.rig import Board
from node_settings import settings
from stand_in_gateway import StandInGateway
from waiting import wait_until

from node_bench import FIRMWARE, Bench

MPREMOTE = Path(sys.executable).parent / "mpremote"

pytestmark = pytest.mark.usefixtures("fresh_broker")


def at_the_board(board: Board, *command: str) -> str:
    """What a technician does by mpremote, the application stopped.

    Not while it starts: Unix MicroPython raises Ctrl-C amid a collection and leaves its heap
    locked; a chip does not.
    """
    wait_until(
        lambda: b"connected" in board.console or b"safe mode" in board.console,
        "a node that has started",
    )
    done = subprocess.run(
        [MPREMOTE, "connect", board.port, *command],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def replace_module(board: Board, name: str, source: str, folder: Path) -> None:
    """Another source in place of a compiled module of the application; the power is off after."""
    path = folder / f"{name}.py"
    path.write_text(source)
    board.power_on()
    script = f"import os\nos.remove('/haidang_node/{name}.mpy')"
    at_the_board(board, "exec", script, "+", "fs", "cp", str(path), f":/haidang_node/{name}.py")
    board.power_off()


def changed_module(name: str, *changes: tuple[str, str]) -> str:
    """The source of a module with some of its text changed."""
    source = (FIRMWARE / "haidang_node" / f"{name}.py").read_text()
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


def reply(gw: StandInGateway, order_id: str, number: int = 0) -> dict[str, Any]:
    """The `number`th reply to an order."""

    def seen() -> list[dict[str, Any]]:
        found = [one for one in gw.replies if one["id"] == order_id]
        return found[number : number + 1]

    return wait_until(seen, f"reply {number} to {order_id}", 60)[0]


def working(gw: StandInGateway) -> dict[str, Any]:
    """The newest status once there is one."""
    wait_until(lambda: gw.statuses and gw.seen("node/heap_free"), "a working node", 60)
    return gw.statuses[-1]


def test_three_failed_starts_lead_to_safe_mode_that_can_be_reached_and_mended(
    bench: Bench, gw: StandInGateway, tmp_path: Path
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        replace_module(board, "health", "this is no program", tmp_path)
        board.power_on()
        safe = wait_until(
            lambda: [s for s in gw.statuses if s.get("mode") == "safe"], "safe mode", 90
        )[0]
        assert (safe["fails"], safe["sensors"], safe["boots"]) == (3, [], [])
        assert board.boots >= 4
        assert "SyntaxError" in safe["why"]
        gw.order("selftest", "c-1")
        assert "safe mode" in reply(gw, "c-1")["err"]
        gw.order("log", "c-2")
        told = reply(gw, "c-2")["out"]["lines"]
        assert any("safe mode" in line for line in told), told
        # The technician's Ctrl-C works here, and flashing mends the node.
        good = FIRMWARE / "haidang_node" / "health.py"
        at_the_board(board, "fs", "cp", str(good), ":/haidang_node/health.py")
        board.power_off()
        board.power_on()
        wait_until(lambda: "mode" not in gw.statuses[-1], "the mended node", 60)
        assert "fails" not in gw.statuses[-1]
        assert gw.bad == []


def test_flickering_mains_never_lead_to_safe_mode(bench: Bench, gw: StandInGateway) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        for _ in range(5):
            board.power_on()
            wait_until(lambda: b" packs held" in board.console, "the application")
            board.power_off()
        board.power_on()
        told = working(gw)
    assert ("mode" in told, "fails" in told) == (False, False)


def test_reboot_leaves_safe_mode_and_one_more_failure_brings_it_back(
    bench: Bench, gw: StandInGateway
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        board.power_on()
        set_fails = "import esp32\nn = esp32.NVS('haidang')\nn.set_i32('fails', 3)\nn.commit()"
        at_the_board(board, "exec", set_fails)
        board.power_off()
        board.power_on()
        wait_until(lambda: b"safe mode: nothing" in board.console, "safe mode")
        wait_until(lambda: b"clock is set" in board.console, "the link")
        gw.order("reboot", "c-1")
        reply(gw, "c-1")
        wait_until(lambda: gw.statuses and "mode" not in gw.statuses[-1], "the application", 60)
        assert gw.statuses[-1]["fails"] == 2
        assert gw.statuses[-1]["why"] == "command c-1"


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
        wait_until(lambda: gw.statuses[-1]["hb"] == 2, "the second boot")
        gw.order("identify", "c-2")
        reply(gw, "c-2")
        gw.order("reboot", "c-1")
        # The first answer may be told twice: its acknowledgement was late.
        wait_until(
            lambda: ("c-1", {"again": True}) in [(r["id"], r.get("out")) for r in gw.replies],
            "the answer to a command that came again",
            60,
        )
        gw.order("identify", "c-3")
        reply(gw, "c-3")
        assert gw.statuses[-1]["hb"] == 2


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


def test_a_hanging_loop_is_named_after_the_watchdog_s_reset(
    bench: Bench, gw: StandInGateway, tmp_path: Path
) -> None:
    board = bench.board({**settings(bench.broker.port), "watchdog_ms": 3000})
    with board:
        hung = changed_module("lamp", ('self._turned("lamp")', "await asyncio.sleep(3600)"))
        replace_module(board, "lamp", hung, tmp_path)
        board.power_on()
        wait_until(lambda: [s for s in gw.statuses if "why" in s], "the reason", 60)
        (told, *_) = [s for s in gw.statuses if "why" in s]
        assert (told["why"], told["reset"], told["fails"]) == ("loop lamp hung", "watchdog", 1)
        gw.order("log", "c-1")
        lines = reply(gw, "c-1")["out"]["lines"]
        assert any(re.match(r"2/\d+ E watch: loop lamp hangs", line) for line in lines), lines


def test_a_crashed_loop_is_started_again_without_a_reset(
    bench: Bench, gw: StandInGateway, tmp_path: Path
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        crash = "if self._flashes:\n{0}self._flashes = 0\n{0}raise ValueError(7)".format(" " * 16)
        source = changed_module("lamp", ('self._turned("lamp")', crash))
        begin = "        while True:\n"
        source = source.replace(begin, begin + "            self._turned('lamp')\n")
        replace_module(board, "lamp", source, tmp_path)
        board.power_on()
        boots = board.boots
        working(gw)
        gw.order("identify", "c-1")
        wait_until(lambda: b"loop lamp crashed (1 of 3)" in board.console, "the crash")
        edges = len(board.world.edges)
        board.world.smoke_ppm = 2000
        wait_until(lambda: "alarm" in gw.seen("smoke/state"), "the alarm")
        wait_until(lambda: len(board.world.edges) > edges + 4, "the lamp works again")
        assert board.boots == boots


def test_too_little_memory_ends_in_an_orderly_restart_that_tells_why(
    bench: Bench, gw: StandInGateway, tmp_path: Path
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        for name, old, new in (
            ("rounds", "_ROUND_MS = const(60000)", "_ROUND_MS = const(1000)"),
            ("shortage", "FLOOR_BYTES = const(8192)", "FLOOR_BYTES = const(9000000)"),
        ):
            replace_module(board, name, changed_module(name, (old, new)), tmp_path)
        board.power_on()
        wait_until(lambda: [s for s in gw.statuses if "why" in s], "the reason", 60)
        told = gw.statuses[-1]
        assert re.match(r"memory: \d+ bytes free", told["why"])
        rows = {row["hb"]: row for row in told["boots"]}
        assert rows.get(1, {"dropped": []})["dropped"] == [], "an orderly end loses nothing"


def test_the_watchdog_bites_while_the_application_still_loads(
    bench: Bench, tmp_path: Path
) -> None:
    board = bench.board(settings(bench.broker.port))
    with board:
        replace_module(board, "startup", "while True:\n    pass\n", tmp_path)
        main = (FIRMWARE / "main.py").read_text()
        assert "_LOADING_MS = 60000" in main
        path = tmp_path / "main.py"
        path.write_text(main.replace("_LOADING_MS = 60000", "_LOADING_MS = 3000"))
        board.power_on()
        at_the_board(board, "fs", "cp", str(path), ":/main.py")
        board.power_off()
        boots = board.boots
        board.power_on()
        wait_until(lambda: board.boots >= boots + 4, "resets by the watchdog", 60)
        wait_until(lambda: b"MPY" in board.console or board.boots >= boots + 4, "resets")


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
