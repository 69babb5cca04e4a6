"""Store, line and forwarder of a gateway as it runs them, for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from haidang_gateway.batch import CENTRE, Batch, Draft
from haidang_gateway.clock import Clock
from haidang_gateway.destination import DestinationSettings, Protocol
from haidang_gateway.model import Lane
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store
from haidang_gateway.uplink.centre import CentreClient
from haidang_gateway.uplink.forwarder import Forwarder
from haidang_wire.documents import wrap_alarm, wrap_packs
from specimens import EPOCH, alarm_document, pack
from waiting import DEADLINE_S


def destination_at(folder: Path, port: int, **more: Any) -> DestinationSettings:
    """A broker on loopback, with the gateway's own certificate out of a folder."""
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "server_name": "gateway.local",
        "ca": folder / "ca.pem",
        "cert": folder / "gw-01.pem",
        "key": folder / "gw-01.key",
        "batch_s": 0.1,
    }
    return DestinationSettings(**fields | more)


class RunningUplink:
    """`running` starts it; `make` commits messages as the pipeline does."""

    def __init__(
        self,
        ca: Path,
        folder: Path,
        port: int,
        name: str = "gateway.local",
        store: type[Store] = Store,
        *,
        slow_s: float = 0.0,
        protocol: Protocol = "auto",
    ) -> None:
        clock = Clock()
        self.store = store(folder / "store", "gw-01", StoreSettings())
        settings = destination_at(ca, port, server_name=name, protocol=protocol)
        self.client = CentreClient(settings, "gw-01", clock, self._heard)
        self.forwarder = Forwarder(self.store, self.client, clock)
        self.commands: list[bytes] = []
        self._made = 0
        self._slow_s = slow_s

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.store.open(1_764_000_000_000)
        tasks = [
            asyncio.create_task(part.run(), name=type(part).__name__)
            for part in (self.client, self.forwarder)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()
            assert all(isinstance(result, asyncio.CancelledError) for result in results), results

    async def make(self, lane: Lane, count: int = 1) -> None:
        """Commit messages and wake the forwarder, as the pipeline does."""
        await make_messages(self.store, lane, count, self._made + 1)
        self._made += count
        self.forwarder.wake()

    async def emptied(self) -> None:
        """Wait until the store holds nothing for the centre."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while (backlog := await self.store.backlog(CENTRE)).alarms + backlog.data:
            assert asyncio.get_running_loop().time() < deadline, backlog
            await asyncio.sleep(0.01)

    async def _heard(self, topic: str, payloads: Sequence[bytes]) -> None:
        if topic.endswith("/ack"):
            await self.forwarder.acknowledge(payloads)
        else:
            await asyncio.sleep(self._slow_s)
            self.commands.extend(payloads)


async def make_messages(store: Store, lane: Lane, count: int, first: int = 1) -> None:
    """Commit messages for the centre; alarms are numbered from `first` on."""
    for number in range(first, first + count):
        draft = _alarm_draft(number) if lane == "alarm" else _DATA
        await store.commit(Batch(now_ms=1_764_000_000_000, drafts=(draft,)))


def _alarm_draft(number: int) -> Draft:
    document = alarm_document(number=number)
    return Draft(
        destination=CENTRE,
        lane="alarm",
        topic=f"hd/1/g/gw-01/alarm/gw-01-{EPOCH}-{number:04d}",
        compose=lambda message_id: bytes(wrap_alarm(message_id, document)),
    )


_DATA = Draft(
    destination=CENTRE,
    lane="data",
    topic="hd/1/g/gw-01/data",
    compose=lambda message_id: bytes(wrap_packs(message_id, [pack(1)])),
)
