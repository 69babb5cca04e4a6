"""`haidang flash`: puts the application on a board, and only what has changed."""

import argparse
import hashlib
import json
import sys
import threading
from functools import lru_cache
from pathlib import Path

from haidang_tools.board import BoardFacts, SerialBoard
from haidang_tools.compiling import Compiler
from haidang_tools.errors import FlashFull, InputRefused

SOURCE = Path(__file__).resolve().parents[2] / "firmware"
STARTERS = ("boot.py", "main.py")
PACKAGES = ("haidang_wire", "haidang_node")
_MAIN = "/main.py"
_ASIDE = "/main.old"
_COMPILING = threading.Lock()
_SPARE_BYTES = 65_536  # what LittleFS needs for itself while files are replaced
# sys.implementation._mpy, bits 10 and up (MicroPython's documentation, "MicroPython .mpy files").
_ARCHITECTURES = {0: None, 2: "x64", 10: "xtensawin", 11: "rv32imc"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--port", required=True, help="serial port, for example /dev/ttyUSB0")
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder with the application")
    parser.add_argument(
        "--mpy",
        action="store_true",
        help="compile first: the board needs less memory; take it always",
    )


def run(args: argparse.Namespace) -> int:
    """Flash one board."""
    with SerialBoard(args.port) as board:
        facts = board.facts()
        wanted = application(args.source, facts if args.mpy else None)
        written = install(board, wanted, progress=True)
        board.reset()
    print(f"{args.port}: {written} of {len(wanted)} files written, all checked, board restarted")
    return 0


def application(source: Path, compile_for: BoardFacts | None = None) -> dict[str, bytes]:
    """The application's files by their path on the board; compiled for a board on request.

    Raises InputRefused when the folder holds no application or a file does not compile.
    """
    if not (source / STARTERS[1]).is_file():
        raise InputRefused(f"{source} has no {STARTERS[1]}; give the firmware folder as --source")
    modules = node_files(source)
    starters = {f"/{name}": (source / name).read_bytes() for name in STARTERS}
    texts = {"/" + path.relative_to(source).as_posix(): path.read_bytes() for path in modules}
    if compile_for is None:
        return starters | texts
    digest = _digest(b"".join(texts.values()))
    # One at a time: ast.parse of CPython 3.11 fails now and then in threads side by side.
    with _COMPILING:
        return starters | _compiled(source, _architecture(compile_for), digest)


@lru_cache(maxsize=4)
def _compiled(source: Path, architecture: str | None, digest: str) -> dict[str, bytes]:
    # A city's boards are alike: compiled once. `digest` of the texts tells when they change.
    del digest
    modules = node_files(source)
    compiler = Compiler(modules, architecture)
    files = {}
    for path in modules:
        bare = "/" + path.relative_to(source).as_posix().removesuffix(".py")
        # A module's own name is in memory anyhow.
        module = bare[1:].removesuffix("/__init__").replace("/", ".")
        files[bare + ".mpy"] = compiler.compiled(path, module)
    return files


def node_files(source: Path) -> list[Path]:
    """The modules a node may load: all of the application, of the contract what mip would take.

    The rest of the contract is for gateway and tools; package.json draws the line. A folder
    without one is taken whole.
    """
    modules = [path for name in PACKAGES for path in (source / name).rglob("*.py")]
    manifest = source / "package.json"
    if not manifest.is_file():
        return sorted(modules)
    wanted = {source / path for path, _ in json.loads(manifest.read_text("utf-8"))["urls"]}
    contract = source / PACKAGES[0]
    return sorted(p for p in modules if p in wanted or not p.is_relative_to(contract))


def install(board: SerialBoard, wanted: dict[str, bytes], progress: bool = False) -> int:
    """Write what differs, remove what is no longer part; returns the number of files written.

    main.py is set aside first and comes last: a board cut off half-way starts nothing, and never
    a mixture of two applications.
    """
    present = board.digests(list(wanted))
    changed = [name for name, data in wanted.items() if present[name] != _digest(data)]
    _check_room(board, sum(len(wanted[name]) for name in changed))
    strangers = [name for package in PACKAGES for name in board.files(f"/{package}")]
    strangers = [name for name in strangers if name not in wanted]
    if not changed and not strangers:
        return 0
    aside = bool(present.get(_MAIN))
    if aside:
        board.rename(_MAIN, _ASIDE)
    changed.sort(key=lambda name: name == _MAIN)
    for number, name in enumerate(changed, 1):
        if name == _MAIN:
            _remove(board, strangers)
        if progress:
            _show(f"{number}/{len(changed)} {name}")
        board.put(name, wanted[name])
    if progress and changed:
        _show("\n")
    if _MAIN not in changed:
        _remove(board, strangers)
        if aside:
            board.rename(_ASIDE, _MAIN)
    elif board.digests([_ASIDE])[_ASIDE]:
        # Also one that an earlier cut has left.
        board.remove(_ASIDE)
    return len(changed)


def _check_room(board: SerialBoard, needed_bytes: int) -> None:
    free_bytes = board.free_bytes()
    if needed_bytes + _SPARE_BYTES > free_bytes:
        raise FlashFull(
            f"{board.port}: {needed_bytes} bytes to write, {free_bytes} free, {_SPARE_BYTES} must "
            f"stay; remove files that are not the application's (mpremote fs ls)"
        )


def _remove(board: SerialBoard, names: list[str]) -> None:
    for name in names:
        board.remove(name)


def _architecture(facts: BoardFacts) -> str | None:
    return _ARCHITECTURES.get(facts.mpy >> 10 & 0x3F)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _show(text: str) -> None:
    if text == "\n":
        print(flush=True)
    elif sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)
    else:
        print(text, flush=True)
