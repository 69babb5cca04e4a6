"""A node that is broken on purpose: safe mode, hangs, crashes, full memory, failing mains."""

import re
from pathlib import Path

import pytest
from haidang_board.rig import Board
from node_settings import settings
from stand_in_gateway import StandInGateway
from waiting import wait_until

from node_bench import FIRMWARE, Bench, at_the_board, reply, working

pytestmark = pytest.mark.usefixtures("fresh_broker")


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
