"""A gateway's store with the links to its destinations, as it runs them, for tests."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from feed_kit import revision_of
from haidang_gateway.batch import Batch
from haidang_gateway.clock import Clock
from haidang_gateway.commands import Wish
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.destination_link import Status
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store
from haidang_gateway.uplinks import Uplinks
from haidang_wire import messages
from mqtt_peer import Peer
from node_packs import START_MS
from paho.mqtt.client import MQTTMessage
from pipeline_kit import city_settings
from specimens import pack
from store_kit import row
from waiting import DEADLINE_S


async def _no_status() -> dict[str, Any]:
    return {"v": 1, "state": "offline"}


class RunningDestinations:
    """A gateway's store with the links to its destinations; `running` starts them."""

    def __init__(self, folder: Path, centre: DestinationSettings, *others: Any) -> None:
        settings = dataclasses.replace(city_settings(), centre=centre, destinations=others)
        self.store = Store(folder / "store", "gw-01", StoreSettings())
        self.wishes: list[Wish] = []
        self.is_durable = asyncio.Event()
        self.is_durable.set()
        self.uplinks = Uplinks(
            settings, store=self.store, clock=Clock(), on_command=self._on_command
        )
        self._packs = 0

    @contextlib.asynccontextmanager
    async def running(self, status: Status = _no_status) -> AsyncIterator[None]:
        """The store is open and all links work as long as this lasts."""
        await self.store.open(START_MS)
        await self.uplinks.adopt()
        tasks = [
            asyncio.create_task(self.uplinks.run(status), name="uplinks"),
            asyncio.create_task(self.uplinks.centre.number(), name="numbering"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()

    async def raise_alarm(self, number: int) -> None:
        """The first revision of an alarm, for every destination."""
        revision = revision_of(1, number=number)
        drafts = [draft for feed in self.uplinks.feeds for draft in feed.of_alarm(revision)]
        await self.store.commit(
            Batch(now_ms=START_MS, revisions=(revision,), drafts=tuple(drafts))
        )
        self.uplinks.wake()

    async def read(self, count: int) -> None:
        """Packs of a node come, and of the centre's share as many are numbered as may be."""
        rows = tuple(row(self._packs + n, pack(self._packs + n)) for n in range(1, count + 1))
        self._packs += count
        await self.store.commit(Batch(now_ms=START_MS, packs=rows))
        while await self.uplinks.centre.compose(START_MS):
            self.uplinks.wake()

    async def state(self, name: str) -> dict[str, Any]:
        """What the status page shows of a destination."""
        states = await self.uplinks.states(await self.store.counters())
        return next(state for state in states if state["name"] == name)

    async def emptied(self, name: str) -> None:
        """Wait until nothing is left for it."""
        await self._until(name, lambda state: not state["queue"])

    async def connected(self, name: str) -> None:
        """Wait until its broker has taken us."""
        await self._until(name, lambda state: state["connected"])

    async def _until(self, name: str, look: Callable[[dict[str, Any]], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        state = await self.state(name)
        while not look(state):
            assert asyncio.get_running_loop().time() < deadline, state
            await asyncio.sleep(0.01)
            state = await self.state(name)

    async def _on_command(self, wish: Wish) -> None:
        self.wishes.append(wish)
        await self.is_durable.wait()


def told_up_to(listener: Peer, last: int) -> list[MQTTMessage]:
    """What came up to the pack `last`: a broker has answered before its listeners have heard."""
    told = [listener.next()]
    deadline_s = time.monotonic() + DEADLINE_S
    while last not in packs_in(told[-1:]):
        assert time.monotonic() < deadline_s, last
        told.append(listener.next())
    return told


def packs_in(told: Sequence[MQTTMessage]) -> set[int]:
    """The numbers of all packs in these messages."""
    return {
        one[0]["hs"]
        for message in told
        if message.topic.endswith("/data")
        for one in messages.decode("data_message", bytes(message.payload))["packs"]
    }
