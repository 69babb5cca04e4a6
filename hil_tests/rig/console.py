"""A board's serial console, recorded to a file from before the application starts."""

import threading
from pathlib import Path
from typing import Self

import serial

_BAUD = 115_200
_READ_S = 0.1
_END_S = 5.0
# Ctrl-C, then Ctrl-B: from mpremote's raw mode, or from anywhere else, to the plain prompt.
_TO_PROMPT = b"\r\x03\x02"
_RESTART = b"import machine\rmachine.reset()\r"


class Console:
    """Reads `port` in a thread of its own until closed; nobody else may open the port then."""

    def __init__(self, port: str, record: Path) -> None:
        """Keep the arguments; use as a context manager."""
        self._port = port
        self._record = record
        self._said = bytearray()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="console")

    def __enter__(self) -> Self:
        """Open the port."""
        self._serial = serial.Serial(self._port, _BAUD, timeout=_READ_S, exclusive=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading and let go of the port."""
        self._stop.set()
        self._thread.join(_END_S)
        self._serial.close()

    @property
    def text(self) -> str:
        """Everything the board has printed since the console was opened."""
        return bytes(self._said).decode(errors="replace")

    def restart_board(self) -> None:
        """Start the application anew; its first line is recorded already."""
        self._serial.write(_TO_PROMPT + _RESTART)

    def _read(self) -> None:
        with self._record.open("ab", buffering=0) as record:
            while not self._stop.is_set():
                try:
                    data = self._serial.read(max(1, self._serial.in_waiting))
                except (serial.SerialException, OSError) as error:
                    data = f"\n[the port went away: {error}]\n".encode()
                    self._stop.set()
                self._said += data
                record.write(data)
