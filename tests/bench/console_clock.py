"""A board's console with host times: how a node's uptime lies on the host's clock."""

import os
import re
import select
import threading
import time
from types import TracebackType
from typing import Self

from haidang_board.rig import Board

_STAMPED = re.compile(rb"^ *(\d+) [DIWE] ")
_LOOK_S = 0.2
_READ_BYTES = 4096


class ConsoleClock:
    """Reads what a powered board prints, while it is entered.

    A log line bears the node's uptime in whole milliseconds and is printed at once: the shortest
    way of all lines from stamp to here aligns the two clocks, to about a millisecond.
    """

    def __init__(self, board: Board) -> None:
        """Keep the board; enter before it gets power."""
        self.lines: list[tuple[float, bytes]] = []
        self._board = board
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"console-{board.mac}")

    def __enter__(self) -> Self:
        """Plug in and listen."""
        self._board.open()
        self._fd = os.open(self._board.port, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._end.set()
        self._thread.join()
        os.close(self._fd)

    def offset_s(self) -> float:
        """Host time of the node's uptime 0 in this boot; ValueError before its first line."""
        return min(
            at_s - int(found[1]) / 1000
            for at_s, line in list(self.lines)
            if (found := _STAMPED.match(line))
        )

    def seen(self, text: bytes) -> bool:
        """Whether a line holds this text."""
        return any(text in line for _, line in list(self.lines))

    def _read(self) -> None:
        rest = b""
        while not self._end.is_set():
            if not select.select([self._fd], [], [], _LOOK_S)[0]:
                continue
            rest += os.read(self._fd, _READ_BYTES)
            at_s = time.monotonic()
            *whole, rest = rest.split(b"\n")
            self.lines += [(at_s, line) for line in whole]
