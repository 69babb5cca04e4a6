"""Log records to journald as fields (its native protocol), or as lines where there is none."""

import logging
import os
import re
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_SOCKET = Path("/run/systemd/journal/socket")
_NAME = "haidang-gateway"
# From logging's levels to syslog's.
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7
# A datagram above the socket's room is refused; no line of ours comes near.
_LONGEST = 48 * 1024
_FIELD = re.compile(r"hd_[a-z0-9_]{1,40}")


def set_up(level: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send all log records to the journal under systemd, else to standard error.

    Under a name that begins with `hd_`, a record's `extra` becomes a field of its own, which
    `journalctl HD_NODE=n-240ac4000001` finds.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    if "JOURNAL_STREAM" in environment and _SOCKET.is_socket():
        handler = JournalHandler(_SOCKET, fallback=handler)
    logging.basicConfig(level=level, handlers=[handler])


class JournalHandler(logging.Handler):
    """One datagram for each record; what the journal does not take goes to `fallback`."""

    def __init__(self, address: Path, fallback: logging.Handler) -> None:
        """Store the arguments; the socket is made with the first record."""
        super().__init__()
        self._address = str(address)
        self._fallback = fallback
        self._socket: socket.socket | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record; never raises."""
        try:
            data = b"".join(
                _encoded(name, text) for name, text in fields(record, self.format(record))
            )
            if self._socket is None:
                kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
                self._socket = socket.socket(socket.AF_UNIX, kind)
            self._socket.sendto(data, self._address)
        except OSError:
            self._fallback.handle(record)
        except Exception:  # noqa: BLE001 (a record that cannot be formatted ends nothing)
            self.handleError(record)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        super().close()


def fields(record: logging.LogRecord, message: str) -> Iterator[tuple[str, str]]:
    """A record's fields by their names in the journal; `message` has its traceback in it."""
    yield "MESSAGE", message
    yield "PRIORITY", str(next((p for at, p in _PRIORITIES if record.levelno >= at), _DEBUG))
    yield "SYSLOG_IDENTIFIER", _NAME
    yield "LOGGER", record.name
    yield "CODE_FILE", record.pathname
    yield "CODE_LINE", str(record.lineno)
    yield "CODE_FUNC", record.funcName
    yield "THREAD_NAME", record.threadName or "-"
    for name, value in vars(record).items():
        if _FIELD.fullmatch(name):
            yield name.upper(), str(value)


def _encoded(name: str, text: str) -> bytes:
    data = text.encode(errors="replace")[:_LONGEST]
    if b"\n" in data:
        return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"
