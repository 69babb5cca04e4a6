"""Unmodified mpremote against the virtual board, as against an ESP32 on a serial port."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_board.rig import Board
from waiting import DEADLINE_S, wait_until

MPREMOTE = str(Path(sys.executable).parent / "mpremote")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Board(tmp_path_factory.mktemp("board") / "flash.img") as board:
        board.power_on()
        yield board


def mpremote(board: Board, *words: str) -> subprocess.CompletedProcess[str]:
    command = [MPREMOTE, "connect", board.port, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def printed(board: Board, *words: str) -> str:
    done = mpremote(board, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_exec_and_eval_print_the_result(board: Board) -> None:
    assert printed(board, "exec", "print(6 * 7)") == "42"
    assert printed(board, "eval", "3 * 7") == "21"


def test_an_exception_gives_its_traceback_and_a_failing_exit_code(board: Board) -> None:
    done = mpremote(board, "exec", "1/0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout + done.stderr


def test_a_folder_copied_to_the_board_is_listed_read_back_and_removed(
    board: Board, tmp_path: Path
) -> None:
    (tmp_path / "app" / "sub").mkdir(parents=True)
    blob = bytes(range(256)) * 40
    (tmp_path / "app" / "blob.bin").write_bytes(blob)
    (tmp_path / "app" / "sub" / "part.py").write_text("X = 7\n")
    printed(board, "fs", "cp", "-r", str(tmp_path / "app"), ":")
    assert "blob.bin" in printed(board, "fs", "ls", ":app")
    printed(board, "fs", "cp", ":app/blob.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == blob
    assert printed(board, "exec", "from app.sub import part; print(part.X)") == "7"
    printed(board, "fs", "rm", "-r", ":app")
    assert "app" not in printed(board, "fs", "ls")


def test_a_local_folder_can_be_mounted(board: Board, tmp_path: Path) -> None:
    (tmp_path / "local_part.py").write_text("def answer():\n    return 'from the host'\n")
    words = ("mount", str(tmp_path), "exec", "import local_part; print(local_part.answer())")
    assert "from the host" in printed(board, *words)


def test_variables_live_through_resume_and_die_with_a_soft_reset(board: Board) -> None:
    printed(board, "exec", "kept = 5")
    assert printed(board, "resume", "eval", "kept") == "5"
    printed(board, "soft-reset")
    assert mpremote(board, "resume", "eval", "kept").returncode == 1


def test_reset_starts_the_board_again(board: Board) -> None:
    boots = board.boots
    printed(board, "reset")  # mpremote has the board reset itself 100 ms later
    wait_until(lambda: board.boots == boots + 2, "a soft reset and the reset")
    assert printed(board, "resume", "exec", "import machine; print(machine.reset_cause())") == "2"


def test_a_busy_loop_is_interrupted_by_the_next_command(board: Board) -> None:
    printed(board, "exec", "--no-follow", "while True: pass")
    assert printed(board, "exec", "print('back')") == "back"


def test_main_py_runs_at_power_on_and_mpremote_interrupts_it(board: Board, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import asyncio\nprint('main runs')\nasyncio.run(asyncio.sleep(99))\n"
    )
    printed(board, "fs", "cp", str(tmp_path / "main.py"), ":")
    board.power_off()
    board.power_on()
    assert printed(board, "exec", "import os; print('main.py' in os.listdir())") == "True"
    assert b"main runs" in board.console
    printed(board, "fs", "rm", ":main.py")
