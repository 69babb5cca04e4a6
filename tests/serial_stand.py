"""A gateway's serial line on a pseudo-terminal, its inbox, and what came."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from haidang_gateway.clock import Clock
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.serial_line import SerialLine
from haidang_gateway.settings import SerialSettings
from node_packs import NODE

OTHER = "n-240ac4000002"
KEYS = {NODE: bytes(range(32)), OTHER: bytes(range(32, 64))}


class Stand:
    """The line as `line`, its inbox, and what came; the nodes' keys lie in the folder."""

    def __init__(
        self, folder: Path, *nodes: str, device: str = "port", clock: Clock | None = None
    ) -> None:
        for node in nodes:
            key = folder / f"{node}.serial.key"
            key.write_bytes(KEYS[node])
            key.chmod(0o600)
        clock = clock or Clock()
        self.inbox = Inbox(urgent_limit=500, data_limit=500, monotonic_ms=clock.monotonic_ms)
        self.line = SerialLine(
            SerialSettings(
                device=str(folder / device), baud=115_200, nodes=nodes or (NODE,), keys=folder
            ),
            clock=clock,
            inbox=self.inbox,
        )
        self.begun: list[str] = []
        self.came: list[Arrival] = []

    def payloads(self) -> list[bytes]:
        """All that has come so far."""
        taken = [*self.inbox.take_urgent(500), *self.inbox.take_data(500)]
        self.came += [item for item in taken if isinstance(item, Arrival)]
        return [arrival.payload for arrival in self.came]


@contextlib.asynccontextmanager
async def running(stand: Stand) -> AsyncIterator[None]:
    """The line works as long as this lasts."""
    task = asyncio.create_task(stand.line.run(stand.begun.append), name="line under test")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
