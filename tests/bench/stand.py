"""What a bench of whole nodes stands on: boards with the real, compiled application in flash."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from haidang_board import rig_process
from haidang_board.rig import Board
from haidang_tools import flash
from haidang_tools.board import BoardFacts
from node_settings import settings

# 160 KiB for the application; the virtual board's own ROM, which a chip has in flash, takes 37.
NODE_HEAP = "197K"
# A virtual board: MicroPython's file version 6 for x64.
_VIRTUAL = BoardFacts("micropython", (1, 29, 0), 2 << 10 | 6, bytes(6))
# Bytecode alone, for any machine.
PORTABLE = BoardFacts("micropython", (1, 29, 0), 6, bytes(6))
_CERTIFICATES = {"ca.der": "ca.der", "node.der": "{node}.der", "node.key": "{node}.key.der"}
_WRITING_S = 120
# Parts that run side by side compile once.
_COMPILING = threading.Lock()


def macs(count: int) -> list[str]:
    """MAC addresses of so many nodes."""
    return [f"240ac40000{number:02x}" for number in range(1, count + 1)]


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder that goes at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"haidang-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def board(
    folder: Path,
    ca: Path,
    mac: str,
    broker_port: int,
    *,
    source: Path = flash.SOURCE,
    files: Mapping[str, bytes] | None = None,
    held: int = 0,
    **changed: Any,
) -> Board:
    """A node without power in `folder`, where its image and its NVS lie.

    source: the firmware; files: what is put in place of its files, by path on the board;
    held: telemetry packs that wait in its outbox; changed: fields of node.json.
    """
    node = f"n-{mac}"
    contents = {
        **application(source),
        **identity(ca, node, settings(broker_port) | changed),
        **(files or {}),
    }
    image = folder / f"{node}.flash"
    nvs_of(folder, mac).write_text(write_image(image, contents, node, held))
    return Board(image, mac, heap=NODE_HEAP)


def identity(ca: Path, node: str, document: Mapping[str, Any]) -> dict[str, bytes]:
    """node.json and certificates as `haidang provision` puts them on a board."""
    certificates = {
        f"/cert/{name}": (ca / of.format(node=node)).read_bytes()
        for name, of in _CERTIFICATES.items()
    }
    return {**certificates, "/node.json": json.dumps(document).encode()}


def nvs_of(folder: Path, mac: str) -> Path:
    """Where the NVS of a board of `folder` lies."""
    return folder / f"n-{mac}.flash.nvs.json"


def application(source: Path) -> dict[str, bytes]:
    """The compiled application as `haidang flash --mpy` puts it on a board."""
    with _COMPILING:
        return _compiled(source)


@cache
def _compiled(source: Path) -> dict[str, bytes]:
    return flash.application(source, _VIRTUAL)


def write_image(image: Path, contents: Mapping[str, bytes], node: str, held: int = 0) -> str:
    """A new flash image with these files, by path on the board; returns what belongs in its NVS.

    held: telemetry packs of `node` that wait in its outbox.
    """
    script = Path(__file__).with_name("on_node_image.py")
    image.unlink(missing_ok=True)
    search = [flash.SOURCE / "haidang_board", flash.SOURCE, ".frozen"]
    with scratch("image") as tree:
        for name, data in contents.items():
            path = tree / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        done = subprocess.run(
            [rig_process.interpreter(), "-X", "heapsize=8M", script, image, tree, node, str(held)],
            env={**os.environ, "MICROPYPATH": os.pathsep.join(map(str, search))},
            capture_output=True,
            text=True,
            timeout=_WRITING_S,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"the image cannot be made: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()[-1]
