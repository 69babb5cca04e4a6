"""Runs a script of this folder in real MicroPython, with the node's code and the flash model."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from haidang_board import rig_process

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 900


def run(script: str, image: Path, *arguments: object, heap: str = "4M") -> dict[str, Any]:
    """The JSON object that the script prints last; `image` is the flash's file."""
    folder = Path(__file__).parent
    search = [folder, _ROOT / "firmware", _ROOT / "firmware" / "haidang_board", ".frozen"]
    command = ["-X", f"heapsize={heap}", folder / script, image, *arguments]
    done = subprocess.run(
        [rig_process.interpreter(), *map(str, command)],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, search))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_LIMIT_S,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
