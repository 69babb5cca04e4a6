"""`haidang flash` on a virtual board, as on a serial port."""

import os
import pty
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_board.rig import Board
from haidang_tools import board as serial_board
from haidang_tools import flash
from haidang_tools.__main__ import main
from haidang_tools.board import SerialBoard
from haidang_tools.errors import BoardAbsent, BoardBusy, FlashFull, InputRefused
from mpremote.transport import TransportError
from waiting import wait_until

NODE = {
    "boot.py": "",
    "main.py": "from haidang_node.app import run\nrun()\n",
    "haidang_wire/__init__.py": "",
    "haidang_node/__init__.py": "",
    "haidang_node/app.py": "def run():\n    print('application', 1)\n",
    "haidang_node/hal/__init__.py": "",
    "haidang_node/hal/esp32.py": "PIN = 34\n",
}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Board(tmp_path_factory.mktemp("flash") / "flash.img") as board:
        board.power_on()
        yield board


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in NODE.items():
        path = tmp_path / "firmware" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "firmware"


def files_on(board: Board) -> set[str]:
    with SerialBoard(board.port) as serial:
        return {name for package in flash.PACKAGES for name in serial.files(f"/{package}")}


def test_the_command_installs_the_application_which_then_runs(
    board: Board, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boots = board.boots
    assert main(["flash", "--port", board.port, "--source", str(source)]) == 0
    assert "7 of 7 files written" in capsys.readouterr().out
    wait_until(lambda: b"application 1" in board.console, "the application")
    assert board.boots > boots


def test_only_changed_files_are_written_and_foreign_ones_removed(
    board: Board, source: Path
) -> None:
    with SerialBoard(board.port) as serial:
        flash.install(serial, flash.application(source))
        (source / "haidang_node" / "app.py").write_text("def run():\n    print('two')\n")
        shutil.rmtree(source / "haidang_node" / "hal")
        assert flash.install(serial, flash.application(source)) == 1
        assert flash.install(serial, flash.application(source)) == 0
        assert serial.get("/haidang_node/app.py") == b"def run():\n    print('two')\n"
    assert "/haidang_node/hal/esp32.py" not in files_on(board)


def test_a_board_cut_off_half_way_starts_no_mixture_and_is_whole_the_next_time(
    board: Board, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SerialBoard(board.port) as serial:
        flash.install(serial, flash.application(source))
    (source / "haidang_node/app.py").write_text("def run():\n    print('application', 2)\n")
    (source / "haidang_node/hal/esp32.py").write_text("PIN = 35\n")
    whole = flash.application(source)
    put = SerialBoard.put

    def cut(self: SerialBoard, path: str, data: bytes) -> None:
        if path.endswith("esp32.py"):
            raise BoardAbsent("pulled")
        put(self, path, data)

    with monkeypatch.context() as patch, SerialBoard(board.port) as serial:
        patch.setattr(SerialBoard, "put", cut)
        with pytest.raises(BoardAbsent, match="pulled"):
            flash.install(serial, whole)
        assert serial.digests(["/main.py"]) == {"/main.py": ""}
    with SerialBoard(board.port) as serial:
        assert flash.install(serial, whole) == 2
        assert serial.digests(["/main.old"]) == {"/main.old": ""}
        serial.reset()
    wait_until(lambda: b"application 2" in board.console, "the application")


def test_a_folder_that_cannot_be_listed_is_no_empty_one(
    board: Board, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A source that stays behind would be imported before its compiled successor.
    def torn(*_: object) -> None:
        raise TransportError("timeout waiting for EOF reception")

    with SerialBoard(board.port) as serial:
        monkeypatch.setattr(serial._transport, "fs_listdir", torn)
        with pytest.raises(BoardAbsent, match="could not list /haidang_wire"):
            flash.install(serial, flash.application(source))
        monkeypatch.undo()
        assert serial.files("/no/such/folder") == []


def test_compiled_files_take_the_place_of_sources(board: Board, source: Path) -> None:
    with SerialBoard(board.port) as serial:
        flash.install(serial, flash.application(source))
        flash.install(serial, flash.application(source, serial.facts()))
        printed = serial.execute("import haidang_node.app as a\na.run()")
    assert printed.strip() == "application 1"
    assert all(name.endswith(".mpy") for name in files_on(board))


def test_an_application_that_does_not_fit_is_refused_before_anything_is_written(
    board: Board, source: Path
) -> None:
    (source / "haidang_node" / "huge.py").write_bytes(b"#" * 3_000_000)
    with SerialBoard(board.port) as serial:
        with pytest.raises(FlashFull, match="bytes to write"):
            flash.install(serial, flash.application(source))
        assert serial.digests(["/haidang_node/huge.py"])["/haidang_node/huge.py"] == ""


def test_a_watchdog_of_the_application_does_not_end_the_visit(board: Board, source: Path) -> None:
    (source / "haidang_node" / "app.py").write_text(
        "import machine, time\n\ndef run():\n    w = machine.WDT(timeout=1000)\n"
        "    while True:\n        w.feed()\n        time.sleep_ms(100)\n"
    )
    with SerialBoard(board.port) as serial:
        flash.install(serial, flash.application(source))
        serial.reset()
    with SerialBoard(board.port) as serial:
        boots = board.boots
        serial.execute("import time\ntime.sleep_ms(1500)")
        assert board.boots == boots
        flash.install(serial, {})
        serial.execute("import os\nos.remove('/main.py')")


def test_each_failure_says_what_to_do(board: Board, source: Path, tmp_path: Path) -> None:
    with pytest.raises(BoardAbsent, match="plug the board in"):
        SerialBoard("/dev/no-such-port").connect()
    with pytest.raises(BoardAbsent, match="is no serial port"):
        SerialBoard(str(tmp_path)).connect()
    with SerialBoard(board.port), pytest.raises(BoardBusy, match="close the other program"):
        SerialBoard(board.port).connect()
    with pytest.raises(InputRefused, match="--source"):
        flash.application(tmp_path)
    (source / "haidang_node" / "app.py").write_text("def run(:\n")
    with SerialBoard(board.port) as serial, pytest.raises(InputRefused, match="does not compile"):
        flash.application(source, serial.facts())


def test_the_command_explains_instead_of_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flash", "--port", "/dev/no-such-port"]) == 1
    assert "haidang flash: /dev/no-such-port does not exist" in capsys.readouterr().err


def test_a_port_that_talks_nonsense_is_told_in_one_sentence_and_nothing_of_it_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_board, "_ANSWER_S", 0.1)
    monkeypatch.setattr(serial_board, "_READ_S", 0.05)
    far, near = pty.openpty()
    try:
        os.write(far, b"Traceback (most recent call last): MemoryError\r\n")
        assert main(["flash", "--port", os.ttyname(near)]) == 1
    finally:
        os.close(far)
        os.close(near)
    said = capsys.readouterr()
    assert said.out == ""
    assert "no MicroPython answers; check the cable" in said.err
    assert said.err.count("\n") == 1
