"""The gateway's own serial line at the end of a paced bus, for measuring a node on a wire."""

import asyncio
import os
import pty
import select
import threading
import time
import tty
from collections import deque
from pathlib import Path
from typing import Self

from haidang_gateway.clock import Clock
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.serial_line import SerialLine
from haidang_gateway.settings import SerialSettings
from haidang_wire import senml

PackKey = tuple[str, int, int]

_ROOM = 10_000
_LOOK_S = 0.05
_READ_BYTES = 4096
# As a driver hands it over: in pieces, not frame by frame.
_PIECE_BYTES = 32


class PacedWire:
    """Two pseudo-terminals joined so that a byte takes as long as at a baud rate, half duplex."""

    def __init__(self, port: str, baud: int) -> None:
        """`port` is the node's end; `far_port` exists from entering on."""
        self.far_port = ""
        self._port = port
        self._byte_s = 10 / baud
        self._air: deque[tuple[float, int, bytes]] = deque()
        self._fds: tuple[int, ...] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="paced wire")

    def __enter__(self) -> Self:
        """Lay it."""
        far, end = pty.openpty()
        tty.setraw(end)
        self.far_port = os.ttyname(end)
        near = os.open(self._port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._fds = (near, far, end)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._stop.set()
        self._thread.join()
        for fd in self._fds:
            os.close(fd)

    def _run(self) -> None:
        near, far, _ = self._fds
        while not self._stop.is_set():
            now_s = time.monotonic()
            while self._air and self._air[0][0] <= now_s:
                _, to, data = self._air.popleft()
                os.write(to, data)
            wait_s = self._air[0][0] - now_s if self._air else _LOOK_S
            for fd in select.select((near, far), (), (), max(0.0, min(wait_s, _LOOK_S)))[0]:
                self._launch(far if fd == near else near, os.read(fd, _READ_BYTES))

    def _launch(self, to: int, data: bytes) -> None:
        at_s = max(time.monotonic(), self._air[-1][0] if self._air else 0.0)
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            at_s += len(piece) * self._byte_s
            self._air.append((at_s, to, piece))


class GatewayMaster:
    """The gateway's line with an inbox that acknowledges at once, as after a commit.

    `packs`, `lanes`, `sizes` (bytes) and `came_s` (time.monotonic()) are by pack.
    """

    def __init__(self, port: str, node: str, key: bytes, baud: int, folder: Path) -> None:
        """Keep the arguments; the node's key is written into `folder`."""
        self.packs: dict[PackKey, senml.Pack] = {}
        self.lanes: dict[PackKey, str] = {}
        self.sizes: dict[PackKey, int] = {}
        self.came_s: dict[PackKey, float] = {}
        file = folder / f"{node}.serial.key"
        file.write_bytes(key)
        file.chmod(0o600)
        self._node, self._baud, self._folder = node, baud, folder
        self._wire = PacedWire(port, baud)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="gateway's line")

    def __enter__(self) -> Self:
        """Begin to poll."""
        self._wire.__enter__()
        clock = Clock()
        self._inbox = Inbox(urgent_limit=_ROOM, data_limit=_ROOM, monotonic_ms=clock.monotonic_ms)
        settings = SerialSettings(
            device=self._wire.far_port, baud=self._baud, nodes=(self._node,), keys=self._folder
        )
        self._line = SerialLine(settings, clock=clock, inbox=self._inbox)
        self._tasks = [
            self._loop.create_task(self._line.run(lambda _node: None), name="line"),
            self._loop.create_task(self._take(), name="inbox"),
        ]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Fall silent."""
        for task in self._tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        self._thread.join()
        self._loop.close()
        self._wire.__exit__()

    def _run(self) -> None:
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))

    async def _take(self) -> None:
        while True:
            await self._inbox.wait(_LOOK_S)
            for item in [*self._inbox.take_urgent(_ROOM), *self._inbox.take_data(_ROOM)]:
                if isinstance(item, Arrival) and not item.topic.endswith("/status"):
                    self._note(item)

    def _note(self, arrival: Arrival) -> None:
        pack = senml.decode_pack(arrival.payload)
        key = (pack.epoch, pack.boot, pack.seq)
        self.came_s.setdefault(key, time.monotonic())
        self.lanes[key] = arrival.lane
        self.sizes[key] = len(arrival.payload)
        self.packs[key] = pack
        self._line.publish_ack(self._node, pack.epoch, pack.boot, [[pack.seq, pack.seq]])
