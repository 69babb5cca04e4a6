"""Makes a running node of a bare board, with the technician's own tools."""

import json
from pathlib import Path

from haidang_tools import flash, provision
from haidang_tools.board import SerialBoard
from haidang_tools.demo.settings import DemoNode, node_config


def put_application(port: str) -> None:
    """Flash the board at `port` without starting the application."""
    with SerialBoard(port) as board:
        flash.install(board, flash.application(flash.SOURCE, board.facts()))


def install(port: str, node: DemoNode, ca_dir: Path, config: Path, broker_port: int) -> None:
    """Flash, provision and restart the board at `port`; ToolError says what failed.

    `config` is where its node.json is written for `provision` to read.
    """
    config.write_text(json.dumps(node_config(node, broker_port)), encoding="utf-8")
    with SerialBoard(port) as board:
        flash.install(board, flash.application(flash.SOURCE, board.facts()))
        provision.provision(board, ca_dir, config, node.id)
        board.reset()
