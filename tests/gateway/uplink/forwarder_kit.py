"""A forwarder without a network: brokers that answer as told, clocks of our own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from haidang_gateway.batch import CENTRE
from haidang_gateway.clock import Clock
from haidang_gateway.store.store import Store
from haidang_gateway.uplink.forwarder import Forwarder
from waiting import until

# What a broker answers: it took it, it took it and nobody listens, it may not be sent.
TAKEN, NOBODY, REFUSED = 0, 0x10, 0x87


class FastClock(Clock):
    """Time that runs a thousand times as fast."""

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() * 1000


class Broker:
    """A connection whose broker answers by topic."""

    def __init__(self, answer: Callable[[str], int]) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.connections = self.sessions = 1
        self.topics: list[str] = []
        self._answer = answer

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        self.topics.append(topic)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, self._answer(topic))
        return future

    def notify(self, callback: Callable[[], None]) -> None:
        pass


async def waking_until(forwarder: Forwarder, look: Callable[[], object], what: str) -> None:
    """Wait while the forwarder looks at its clock all the time."""

    def looked() -> object:
        forwarder.wake()
        return look()

    await until(looked, what)


@contextlib.asynccontextmanager
async def forwarding(
    store: Store, broker: Broker, *, broker_only: bool = False
) -> AsyncIterator[Forwarder]:
    """A forwarder that runs in the block, its clock a fast one."""
    forwarder = Forwarder(store, broker, FastClock(), CENTRE, broker_only=broker_only)
    task = asyncio.create_task(forwarder.run(), name="forwarder")
    try:
        yield forwarder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
