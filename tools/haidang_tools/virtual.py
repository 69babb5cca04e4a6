"""`haidang board`: a virtual board with a port of its own, until Ctrl-C."""

import argparse
import json
import signal
import tempfile
import threading
from pathlib import Path

from haidang_board.errors import BoardError
from haidang_board.rig import Board
from haidang_board.world import World

from haidang_tools.arguments import heap_size, mac_address
from haidang_tools.errors import InputRefused, ToolError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--mac", type=mac_address, default="240ac4000001", help="MAC address, 12 hex digits"
    )
    parser.add_argument("--image", type=Path, help="flash file, kept; without it a fresh one")
    parser.add_argument("--heap", type=heap_size, default="160K", help="heap of the interpreter")
    parser.add_argument(
        "--world-json", default="{}", help='what is around it, for example {"smoke_ppm": 800}'
    )


def run(args: argparse.Namespace) -> int:
    """Run one board and print its port."""
    world = world_from(args.world_json)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with tempfile.TemporaryDirectory() as folder:
        image = args.image or Path(folder) / "flash.img"
        try:
            with Board(image, args.mac, world, args.heap) as board:
                board.power_on()
                print(board.port, flush=True)
                ended.wait()
        except BoardError as error:
            raise ToolError(str(error)) from error
    return 0


def world_from(text: str) -> World:
    """A world with some attributes set by a JSON object; InputRefused names a wrong one."""
    try:
        wishes = json.loads(text)
    except ValueError as error:
        raise InputRefused(f"--world-json is not JSON: {error}") from error
    if not isinstance(wishes, dict):
        raise InputRefused("--world-json must be an object in { }")
    world = World()
    for name, value in wishes.items():
        present = getattr(world, name, None)
        if name.startswith("_") or not isinstance(present, bool | int | float | dict):
            raise InputRefused(f"--world-json: the world has no {name}")
        if isinstance(present, dict) != isinstance(value, dict):
            raise InputRefused(f"--world-json: {name} does not take {value!r}")
        setattr(world, name, value)
    return world
