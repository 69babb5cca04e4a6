"""The publishers of a forwarding bench, the centre at the far end, and what both count."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import node_id

from bench.forward_publisher import Publisher, Writing
from bench.forward_ways import Way, cpu_s, rss_mb, written_bytes
from bench.forward_wire import kept, tls

PUBLISHERS = 100
Run = dict[str, float]
Pack = tuple[Publisher, tuple[int, bytes]]
_EPOCH = "9f3c01aa"
_LOOK_S = 0.005
# How long nodes have been up, and how often they read their sensors: they hold a day's at most.
_UP_MS = 86_400_000
_EVERY_MS = 1000
_AT_ONCE = Writing()


class Freed:
    """Counts what nodes may forget."""

    def __init__(self) -> None:
        self.count = 0
        self.last_s = 0.0

    def add(self, count: int) -> None:
        """So many more."""
        if count:
            self.count += count
            self.last_s = time.monotonic()


class Fleet:
    """Connected nodes and the counting centre of one way, while it is entered."""

    def __init__(self, way: Way, ca: Path, publishers: int, writing: Writing = _AT_ONCE) -> None:
        """Keep the arguments."""
        self.freed = Freed()
        self.centre = way.centre(ca)
        began_ms = _unix_ms() - _UP_MS
        self.publishers = [
            Publisher(
                SimNode(node_id(number + 1), _EPOCH, began_ms=began_ms),
                self.freed.add,
                writing=writing,
                puback_is_enough=way.puback_is_enough,
            )
            for number in range(publishers)
        ]
        self._way = way
        self._ca = ca
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to connect."""
        runs = [(self._node(publisher), "node") for publisher in self.publishers]
        runs += [(self.centre.run(), "centre"), (self._look(), "late packs")]
        self._tasks = [asyncio.create_task(run, name=name) for run, name in runs]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for publisher in self.publishers:
            publisher.close()
        await asyncio.sleep(_LOOK_S)

    async def ready(self) -> None:
        """Wait until nodes and centre are connected."""
        waits = [publisher.ready.wait() for publisher in self.publishers]
        await asyncio.gather(self.centre.ready.wait(), *waits)

    def packs(self, n: int) -> list[Pack]:
        """The next `n` packs, node by node in turn, ready to be sent; of one a second till now."""
        made = []
        first_ms = _unix_ms() - n // len(self.publishers) * _EVERY_MS
        for number in range(n):
            step, at = divmod(number, len(self.publishers))
            publisher = self.publishers[at]
            node = publisher.node
            read_ms = node.read_at(first_ms + step * _EVERY_MS)
            payload = self._way.pack(node, node.next_seq, read_ms)
            made.append((publisher, publisher.prepare(payload)))
        return made

    async def feed(self, packs: list[Pack], rate: float = 0.0) -> None:
        """Hand packs to their nodes: all at once, or at `rate` a second."""
        if not rate:
            for publisher, pack in packs:
                publisher.keep(pack)
            for publisher in self.publishers:
                publisher.pump()
            return
        began_s = time.monotonic()
        for number, (publisher, pack) in enumerate(packs):
            await asyncio.sleep(max(0.0, began_s + number / rate - time.monotonic()))
            publisher.keep(pack)
            publisher.pump()

    @property
    def sent(self) -> int:
        """Packs sent, with those that were sent again."""
        return sum(publisher.sent for publisher in self.publishers)

    async def _node(self, publisher: Publisher) -> None:
        context = tls(self._ca, publisher.node.id)

        async def connect() -> Publisher:
            if publisher.gone.is_set():
                raise RuntimeError(f"the nodes' broker hung up on {publisher.node.id}")
            await publisher.connect(context, self._way.near.port)
            await publisher.opened()
            publisher.tell()
            return publisher

        await kept(connect, _LOOK_S)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for publisher in self.publishers:
                publisher.look()


class Costs:
    """Processor time and written bytes of a way's processes since this was made."""

    def __init__(self, way: Way) -> None:
        self._pids = way.pids()
        self._cpu_s = {name: cpu_s(pid) for name, pid in self._pids.items()}
        self._bytes = self._written()
        self._own_s = time.process_time()

    def per_message(self, n: int) -> Run:
        """Seconds for 10,000 messages, bytes for one, memory at its most."""
        used_s = {
            name: (cpu_s(pid) - self._cpu_s[name]) / n * 1e4 for name, pid in self._pids.items()
        }
        return {
            "cpu_forwarder": used_s.get("forwarder", 0.0),
            "cpu_broker": used_s["broker"],
            # The bench itself, nodes and centre: where it takes more than a way, it is the limit.
            "cpu_driver": (time.process_time() - self._own_s) / n * 1e4,
            "disk_bytes": (self._written() - self._bytes) / n,
            "rss_mb": rss_mb(self._pids.get("forwarder", self._pids["broker"]), "VmHWM"),
        }

    def _written(self) -> int:
        return sum(written_bytes(pid) for pid in self._pids.values())


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


async def until(look: Callable[[], bool]) -> None:
    """Wait for counters of two sides that are nobody's event."""
    while not look():  # noqa: ASYNC110 (see above)
        await asyncio.sleep(_LOOK_S)
