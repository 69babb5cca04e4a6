"""A board on a serial port, real or virtual: run code on it, write its files, restart it.

The only importer of mpremote and pyserial among the tools.
"""

import errno
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from mpremote import transport_serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import SerialException
from serial.tools import list_ports

from haidang_tools.errors import BoardAbsent, BoardBusy, BoardRefused, FlashFull, ToolError

# Before it raises, mpremote prints the bytes that it read: for its own developers, not for ours.
transport_serial.print = lambda *_, **__: None

OLDEST_VERSION = (1, 29)
_CHUNK_BYTES = 1024
_TRIES = 3
_AGAIN_S = 0.3
_ANSWER_S = 4
_READ_S = 1  # lets mpremote look at its own deadlines
# The application's watchdog keeps running when mpremote stops it: give ourselves time. The board
# restarts by itself when we are torn off.
_HOLD = "import machine\nmachine.WDT(timeout=300000)"
_FACTS = (
    "import sys,json,machine\n"
    "i=sys.implementation\n"
    "print(json.dumps([i.name,list(i.version[:3]),i._mpy,machine.unique_id().hex()]))"
)
_DIGESTS = """
import hashlib,json,binascii
b=bytearray(512)
m=memoryview(b)
def d(p):
 try:
  with open(p,'rb') as f:
   h=hashlib.sha256()
   while True:
    n=f.readinto(b)
    if not n:
     return binascii.hexlify(h.digest()).decode()
    h.update(m[:n])
 except OSError:
  return ''
for p in json.loads(%r):
 print(d(p))
"""


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """What a board says about itself; `mac` is 6 bytes, `mpy` the interpreter's file version."""

    name: str
    version: tuple[int, ...]
    mpy: int
    mac: bytes


class SerialBoard:
    """One board; use as a context manager. Every failure is a ToolError with its remedy."""

    def __init__(self, port: str) -> None:
        self.port = port
        self._transport: Any = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Open the port, stop the application and hold the watchdog off.

        Raises BoardAbsent or BoardBusy.
        """
        self._open()
        for left in reversed(range(_TRIES)):
            try:
                self._transport.enter_raw_repl(timeout_overall=_ANSWER_S)
                break
            except (TransportError, SerialException) as error:
                if left:  # it may just have been restarting
                    continue
                self.close()
                raise BoardAbsent(
                    f"{self.port}: no MicroPython answers; check the cable, press the board's "
                    f"reset button, and flash MicroPython 1.29 or later if it is a new board"
                ) from error
        self.execute(_HOLD)

    def close(self) -> None:
        """Let go of the port."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def execute(self, code: str) -> str:
        """Run code on the board and return what it prints; BoardRefused with its exception."""
        try:
            printed: bytes = self._transport.exec(code)
        except (TransportError, SerialException, OSError) as error:
            raise self._translated(error, "run a command") from error
        return printed.decode(errors="replace").replace("\r\n", "\n")

    def facts(self) -> BoardFacts:
        """Name, version and MAC; BoardRefused for an interpreter that is too old."""
        name, version, mpy, mac = json.loads(self.execute(_FACTS))
        if name != "micropython" or tuple(version) < OLDEST_VERSION:
            found = ".".join(str(part) for part in version)
            raise BoardRefused(
                f"{self.port}: the board runs {name} {found}, needed is MicroPython 1.29 or "
                f"later; flash it by USB with esptool first"
            )
        return BoardFacts(name, tuple(version), mpy, bytes.fromhex(mac))

    def free_bytes(self) -> int:
        """Room in the board's file system."""
        block, blocks = json.loads(
            self.execute("import os,json\ns=os.statvfs('/')\nprint(json.dumps([s[0],s[3]]))")
        )
        # LittleFS of a full disk reports a huge number: -5 seen as unsigned.
        return int(block) * int(blocks) if blocks < 1 << 31 else 0

    def digests(self, paths: list[str]) -> dict[str, str]:
        """SHA-256 of files on the board as hex; empty text for a missing file."""
        printed = self.execute(_DIGESTS % json.dumps(paths)).split("\n")
        return dict(zip(paths, printed, strict=False))

    def files(self, folder: str) -> list[str]:
        """All files below a folder, absolute; empty where there is none."""
        found = []
        try:
            entries = self._transport.fs_listdir(folder)
        except FileNotFoundError:
            return []
        except (TransportError, SerialException, OSError) as error:
            raise self._translated(error, f"list {folder}") from error
        for entry in entries:
            path = f"{folder}/{entry.name}"
            found += self.files(path) if entry.st_mode & 0x4000 else [path]
        return found

    def put(self, path: str, data: bytes) -> None:
        """Write a file so that a power cut leaves the old one or the new one; then check it.

        Raises FlashFull, or BoardRefused when the flash does not give back what was written.
        """
        fresh = path + ".new"
        try:
            self._make_folders(path)
            self._transport.fs_writefile(fresh, data, chunk_size=_CHUNK_BYTES)
        except (TransportError, SerialException, OSError) as error:
            raise self._translated(error, f"write {path}") from error
        if self.digests([fresh])[fresh] != hashlib.sha256(data).hexdigest():
            raise BoardRefused(
                f"{self.port}: {path} reads back differently from what was written; "
                f"try again, and replace the board if it stays so"
            )
        self.rename(fresh, path)

    def get(self, path: str) -> bytes:
        """Read a file."""
        try:
            return bytes(self._transport.fs_readfile(path, chunk_size=_CHUNK_BYTES))
        except (TransportError, SerialException, OSError) as error:
            raise self._translated(error, f"read {path}") from error

    def remove(self, path: str) -> None:
        """Remove a file."""
        self.execute(f"import os\nos.remove({path!r})")

    def rename(self, path: str, to: str) -> None:
        """Give a file another name, in the place of one that has it."""
        self.execute(f"import os\nos.rename({path!r},{to!r})")

    def reset(self) -> None:
        """Restart the board, which starts its application; the port stays open."""
        try:
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        except (TransportError, SerialException, OSError) as error:
            raise self._translated(error, "restart") from error

    def _open(self) -> None:
        for left in reversed(range(_TRIES)):
            try:
                self._transport = SerialTransport(self.port, timeout=_READ_S)
            except (TransportError, SerialException) as error:
                if not left or not Path(self.port).exists():
                    raise self._not_opened() from error
                time.sleep(_AGAIN_S)  # whoever has it may be closing it
            else:
                return

    def _make_folders(self, path: str) -> None:
        parents = [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "/"]
        for folder in reversed(parents):
            try:
                self._transport.fs_mkdir(folder)
            except OSError as error:
                if error.errno != errno.EEXIST:
                    raise

    def _not_opened(self) -> ToolError:
        if Path(self.port).is_char_device():
            return BoardBusy(
                f"{self.port} cannot be opened: close the other program that uses it "
                f"(a serial monitor, an mpremote), or join the group dialout"
            )
        present = ", ".join(port.device for port in list_ports.comports()) or "none"
        what = "is no serial port" if Path(self.port).exists() else "does not exist"
        return BoardAbsent(f"{self.port} {what}; plug the board in. Serial ports here: {present}")

    def _translated(self, error: Exception, what: str) -> ToolError:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return FlashFull(
                f"{self.port}: the flash is full, could not {what}; "
                f"remove files that are not the application's (mpremote fs ls)"
            )
        if isinstance(error, TransportExecError):
            last = str(error.error_output).strip().rsplit("\n", maxsplit=1)[-1]
            return BoardRefused(f"{self.port}: could not {what}: {last}")
        if isinstance(error, FileNotFoundError):
            return BoardRefused(f"{self.port}: could not {what}: there is no such file")
        return BoardAbsent(
            f"{self.port}: the board stopped answering, could not {what}; check cable and supply"
        )
