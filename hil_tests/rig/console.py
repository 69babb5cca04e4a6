"""A board's serial console, recorded to a file from before the board has power."""

import threading
from pathlib import Path
from typing import Self

import serial

_BAUD = 115_200
_READ_S = 0.1
_AGAIN_S = 0.05
_END_S = 5.0
# Ctrl-C, then Ctrl-B: from mpremote's raw mode, or from anywhere else, to the plain prompt.
_TO_PROMPT = b"\r\x03\x02"
_RESTART = b"import machine\rmachine.reset()\r"


class Console:
    """Reads `port` in a thread of its own until closed; nobody else may open the port then.

    A port that goes with the board's power is opened again as soon as it is back.
    """

    def __init__(self, port: str, record: Path) -> None:
        """Keep the arguments; use as a context manager."""
        self._port = port
        self._record = record
        self._said = bytearray()
        self._stop = threading.Event()
        self._serial: serial.Serial | None = None
        self._thread = threading.Thread(target=self._read, name="console")

    def __enter__(self) -> Self:
        """Open the port, if it is there already."""
        self._open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading and let go of the port."""
        self._stop.set()
        self._thread.join(_END_S)
        if self._serial is not None:
            self._serial.close()

    @property
    def text(self) -> str:
        """Everything the board has printed since the console was opened."""
        return bytes(self._said).decode(errors="replace")

    def restart_board(self) -> None:
        """Start the application anew; its first line is recorded already."""
        self._type(_TO_PROMPT + _RESTART)

    def _type(self, keys: bytes) -> None:
        if self._serial is None:
            raise ConnectionError(f"{self._port} is not there, so nothing can be typed")
        self._serial.write(keys)

    def _open(self) -> None:
        try:
            self._serial = serial.Serial(self._port, _BAUD, timeout=_READ_S, exclusive=True)
        except (serial.SerialException, OSError):
            self._serial = None  # without power a board's own USB bridge has no port

    def _read(self) -> None:
        with self._record.open("ab", buffering=0) as record:
            while not self._stop.is_set():
                data = self._next()
                self._said += data
                record.write(data)

    def _next(self) -> bytes:
        if self._serial is None:
            self._stop.wait(_AGAIN_S)
            self._open()
            return b"" if self._serial is None else b"\n[the port is there]\n"
        try:
            return bytes(self._serial.read(max(1, self._serial.in_waiting)))
        except (serial.SerialException, OSError) as error:
            self._serial.close()
            self._serial = None
            return f"\n[the port went away: {error}]\n".encode()
