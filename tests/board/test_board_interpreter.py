"""A machine without the interpreter says so in one sentence."""

import sys
from pathlib import Path

import pytest
from haidang_board import rig_process
from haidang_board.errors import BoardUnavailable
from haidang_board.rig import Board


def test_a_machine_without_micropython_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoardUnavailable, match="or use real nodes"):
        Board(tmp_path / "flash.img").open()


def test_without_the_cross_compiler_the_rom_runs_from_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (rig_process.rom_folder() / "rom.py").is_file()
