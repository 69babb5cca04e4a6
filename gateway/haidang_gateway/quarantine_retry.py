"""Reads quarantined packs once more when a technician asks for it, as after an update."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from haidang_gateway.errors import StoreError
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.model import Lane
from haidang_gateway.store import queries
from haidang_gateway.store.store import Store

# Whoever may write in the data folder may ask; the gateway takes the file away when it is done.
WISH = "retry-quarantine"
_LOOK_S = 1.0
_AFTER_TROUBLE_S = 60.0

_log = logging.getLogger(__name__)


class QuarantineRetry:
    """Looks for the wish; `tell(arrival)` returns when what it brought is committed.

    Only packs are read again: an old status or reply says nothing about now.
    """

    def __init__(
        self, folder: Path, store: Store, tell: Callable[[Arrival], Awaitable[None]]
    ) -> None:
        """Store the arguments; `run` looks."""
        self._wish = folder / WISH
        self._store = store
        self._tell = tell

    async def run(self) -> None:
        """Serve wishes until cancelled; one that a stop cut short is served after the start."""
        while True:
            try:
                if self._wish.exists():
                    await self.retry()
                    self._wish.unlink(missing_ok=True)
            except (StoreError, OSError) as error:
                _log.warning("the quarantine cannot be read again now: %s", error)
                await asyncio.sleep(_AFTER_TROUBLE_S)
            await asyncio.sleep(_LOOK_S)

    async def retry(self) -> None:
        """Every pack of the quarantine once more, the oldest first."""
        for row in await self._store.read(queries.quarantine):
            number, received_ms, topic, _, payload = row
            kind = topic.rpartition("/")[2]
            if kind not in {"alarm", "data"}:
                continue
            lane: Lane = "alarm" if kind == "alarm" else "data"
            await self._tell(
                Arrival(
                    topic=topic,
                    payload=payload,
                    lane=lane,
                    retained=False,
                    packet_id=0,
                    received_ms=received_ms,
                    session="quarantine",
                    connection=0,
                    kept=number,
                )
            )
