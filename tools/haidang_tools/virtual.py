"""`haidang board`: a virtual board with a port of its own, until Ctrl-C.

With --orders lines such as {"temp_c": 41, "humidity_pct": 30} on its standard input change what
is around it.
"""

import argparse
import json
import queue
import signal
import sys
import tempfile
import threading
from pathlib import Path

from haidang_board.errors import BoardError
from haidang_board.rig import Board
from haidang_board.world import World

from haidang_tools.arguments import heap_size, mac_address
from haidang_tools.demo.settings import NODE_HEAP
from haidang_tools.errors import InputRefused, ToolError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--mac", type=mac_address, default="240ac4000001", help="MAC address, 12 hex digits"
    )
    parser.add_argument("--image", type=Path, help="flash file, kept; without it a fresh one")
    parser.add_argument(
        "--heap",
        type=heap_size,
        default=NODE_HEAP,
        help="heap of the interpreter (%(default)s: room for three sensors)",
    )
    parser.add_argument(
        "--world-json",
        default="{}",
        help='what is around it, for example {"smoke_ppm": 800}; its Wi-Fi is called demo, key '
        "secret, unless networks says otherwise",
    )
    parser.add_argument(
        "--orders", action="store_true", help="change that by JSON lines on standard input"
    )


def run(args: argparse.Namespace) -> int:
    """Run one board and print its port."""
    world = world_from(args.world_json)
    if args.image and args.image.is_dir():
        raise InputRefused(f"{args.image} is a folder; name a file for the board's flash")
    told = told_to_end()
    with tempfile.TemporaryDirectory() as folder:
        image = args.image or Path(folder) / "flash.img"
        try:
            with Board(image, args.mac, world, args.heap) as board:
                board.power_on()
                print(board.port, flush=True)
                if args.orders:
                    # A daemon: a read of standard input cannot be ended.
                    threading.Thread(
                        target=_obey, args=(world,), name="orders", daemon=True
                    ).start()
                told.get()
        except BoardError as error:
            raise ToolError(str(error)) from error
    return 0


def told_to_end() -> queue.SimpleQueue[int]:
    """From now on SIGTERM is put in here.

    An Event would do but for a second signal, as `timeout` sends: its set() waits for a lock, and
    the set() that it interrupts holds it.
    """
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, lambda number, _: told.put(number))
    return told


def world_from(text: str) -> World:
    """A world with some attributes set by a JSON object; InputRefused names a wrong one."""
    world = World()
    change(world, text, "--world-json")
    return world


def change(world: World, text: str, where: str) -> None:
    """Set attributes of a world by a JSON object; InputRefused, and nothing changed, if wrong."""
    try:
        wishes = json.loads(text)
    except ValueError as error:
        raise InputRefused(f"{where} is not JSON: {error}") from error
    if not isinstance(wishes, dict):
        raise InputRefused(f"{where} must be an object in {{ }}")
    for name, value in wishes.items():
        _check(world, name, value, where)
    for name, value in wishes.items():
        try:
            setattr(world, name, value)
        except ValueError as error:
            raise InputRefused(f"{where}: {error}") from error


def _check(world: World, name: str, value: object, where: str) -> None:
    present = getattr(world, name, None)
    if name.startswith("_") or not isinstance(present, bool | int | float | str | dict):
        raise InputRefused(f"{where}: the world has no {name}")
    number = isinstance(present, int | float) and not isinstance(present, bool)
    fits = isinstance(value, int | float) if number else isinstance(value, type(present))
    if not fits or (number and isinstance(value, bool)):
        raise InputRefused(f"{where}: {name} does not take {value!r}")


def _obey(world: World) -> None:
    # Until standard input ends; the board lives on.
    for line in sys.stdin:
        try:
            change(world, line, "the order")
        except InputRefused as error:
            print(error, flush=True)
