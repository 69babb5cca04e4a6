"""Makes a running node of a bare board, with the technician's own tools."""

from pathlib import Path

from haidang_tools import flash, provision
from haidang_tools.board import SerialBoard
from haidang_tools.demo.settings import DemoNode


def install(port: str, node: DemoNode, ca_dir: Path, config: Path) -> None:
    """Flash, provision and restart the board at `port` as `node`; ToolError says what failed.

    `config` is its node.json.
    """
    with SerialBoard(port) as board:
        flash.install(board, flash.application(flash.SOURCE, board.facts()))
        provision.provision(board, ca_dir, config, node.id)
        board.reset()
