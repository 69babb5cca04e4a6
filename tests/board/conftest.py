"""A powered virtual board, and a quick way to run code on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from haidang_board.rig import Board
from haidang_tools.board import SerialBoard


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Board(tmp_path_factory.mktemp("board") / "flash.img") as board:
        board.power_on()
        yield board


@pytest.fixture
def run(board: Board) -> Callable[[str], str]:
    """Run code on the board (after a soft reset) and return what it prints."""

    def run_on_board(code: str) -> str:
        with SerialBoard(board.port) as serial:
            return serial.execute(code).strip()

    return run_on_board


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., Board]]:
    """Make boards that only one test uses, with images in its own folder."""
    boards: list[Board] = []

    def make(image: str = "flash.img", **settings: object) -> Board:
        boards.append(Board(tmp_path / image, **settings))  # type: ignore[arg-type]
        return boards[-1]

    yield make
    for board in boards:
        board.close()
