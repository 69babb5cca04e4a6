"""A node on the virtual board for tests: its image, its certificates, its broker."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from haidang_board.rig import Board
from haidang_tools import flash
from haidang_tools.board import BoardFacts
from haidang_tools.brokers import Broker, certificates

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
MAC = "240ac4000001"
NODE = "n-" + MAC
# 160 KiB for the application; the virtual board's own ROM, which a chip has in flash, takes 37.
HEAP = "197K"
# MicroPython's file version 6 for x64.
_VIRTUAL = BoardFacts("micropython", (1, 29, 0), 2 << 10 | 6, bytes(6))
_BIN = Path(sys.executable).parent


def compile_application(folder: Path) -> None:
    """The application as `haidang flash --mpy` puts it on a board."""
    for name, data in flash.application(FIRMWARE, _VIRTUAL).items():
        target = folder / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def copy_to_board(board: Board, folder: Path) -> None:
    """Everything in `folder` onto the board, by mpremote."""
    sources = [str(path) for path in sorted(folder.iterdir())]
    command = [str(_BIN / "mpremote"), "connect", board.port, "fs", "cp", "-r", *sources, ":"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def write_identity(folder: Path, ca: Path, node: str, document: dict[str, Any]) -> None:
    """node.json and /cert of a node as `haidang provision` writes them."""
    (folder / "cert").mkdir(exist_ok=True)
    (folder / "node.json").write_text(json.dumps(document))
    (folder / "cert" / "ca.der").write_bytes((ca / "ca.der").read_bytes())
    (folder / "cert" / "node.der").write_bytes((ca / f"{node}.der").read_bytes())
    (folder / "cert" / "node.key").write_bytes((ca / f"{node}.key.der").read_bytes())


class Bench:
    """CA, gateway's broker and the compiled application, made once for many tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca"
        self.broker = Broker("gateway", self.ca, folder / "broker")
        self.newest: Board | None = None
        self._images = 0

    def __enter__(self) -> Self:
        """Make everything."""
        certificates(self.ca, "broker-gateway", "gw-01", "gw-01-alarm", NODE)
        compile_application(self.folder / "app")
        self.broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the broker."""
        self.broker.stop()

    def board(self, document: dict[str, Any], ca: Path | None = None, **options: Any) -> Board:
        """A flashed and provisioned board without power."""
        self._images += 1
        folder = self.folder / f"board-{self._images}"
        write_identity(self.folder / "app", ca or self.ca, NODE, document)
        with Board(folder / "flash.img", MAC, heap="4M") as blank:
            blank.power_on()
            copy_to_board(blank, self.folder / "app")
        self.newest = Board(folder / "flash.img", MAC, heap=HEAP, **options)
        return self.newest
