"""What waits for the pipeline: alarms and facts at once, telemetry in groups; both bounded."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haidang_gateway.commands import Wish
from haidang_gateway.fleet.order import Order, OrdersDue
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.model import Fact

Durable = Fact | Wish | Order


@dataclass(frozen=True, slots=True)
class Told:
    """Something whose teller waits until it is durable."""

    item: Durable
    done: asyncio.Future[None]


Urgent = Arrival | Fact | Told | OrdersDue


class Inbox:
    """Two bounded queues with one waiting place.

    Overflow rule: the newest arrival is refused and counted. A refused pack is not acknowledged
    to its node, which sends it again. Facts are said once, so their teller waits for a place.
    The limits should lie well above the broker's receive maxima, which mosquitto 2.0.11 does not
    always keep.
    """

    def __init__(
        self, *, urgent_limit: int, data_limit: int, monotonic_ms: Callable[[], int]
    ) -> None:
        """Limits count messages."""
        self.refused = 0
        self._urgent: deque[Urgent] = deque()
        self._data: deque[Arrival] = deque()
        self._urgent_limit = urgent_limit
        self._data_limit = data_limit
        self._monotonic_ms = monotonic_ms
        self._data_since_ms: int | None = None
        self._something = asyncio.Event()
        self._room = asyncio.Event()

    def put_urgent(self, item: Urgent) -> bool:
        """Queue an alarm pack or a fact; False if it was refused."""
        return self._put(self._urgent, item, self._urgent_limit)

    async def tell(self, fact: Fact) -> None:
        """Queue a fact, waiting for a place where the pipeline does not keep up."""
        await self._put_when_room(fact)

    async def tell_durably(self, item: Durable) -> None:
        """Queue a fact, a wish or an order and return when it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._put_when_room(Told(item, done))
        await done

    def put_data(self, item: Arrival) -> bool:
        """Queue telemetry; False if it was refused."""
        if not self._put(self._data, item, self._data_limit):
            return False
        if self._data_since_ms is None:
            self._data_since_ms = self._monotonic_ms()
        return True

    def take_urgent(self, limit: int) -> list[Urgent]:
        """The oldest urgent items."""
        self._room.set()
        return [self._urgent.popleft() for _ in range(min(limit, len(self._urgent)))]

    def take_data(self, limit: int) -> list[Arrival]:
        """The oldest telemetry."""
        taken = [self._data.popleft() for _ in range(min(limit, len(self._data)))]
        self._data_since_ms = self._monotonic_ms() if self._data else None
        return taken

    @property
    def urgent_waits(self) -> bool:
        """Whether anything must be handled at once."""
        return bool(self._urgent)

    @property
    def data_count(self) -> int:
        """How many telemetry messages wait."""
        return len(self._data)

    def data_age_ms(self) -> int | None:
        """How long telemetry has waited since the last taking; None if there is none."""
        if self._data_since_ms is None:
            return None
        return self._monotonic_ms() - self._data_since_ms

    async def wait(self, timeout_s: float) -> None:
        """Return when something is put in, at the latest after `timeout_s`."""
        self._something.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._something.wait()
        except TimeoutError:
            return

    async def _put_when_room(self, item: Fact | Told) -> None:
        while len(self._urgent) >= self._urgent_limit:
            self._room.clear()
            await self._room.wait()
        self._urgent.append(item)
        self._something.set()

    def _put(self, queue: deque[Any], item: Urgent, limit: int) -> bool:
        if len(queue) >= limit:
            self.refused += 1
            return False
        queue.append(item)
        self._something.set()
        return True
