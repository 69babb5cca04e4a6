"""What waits for the pipeline: alarms and facts at once, telemetry in groups; both bounded."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from haidang_gateway.commands import Wish
from haidang_gateway.fair_queue import FairQueue
from haidang_gateway.fleet.order import Order, OrdersDue
from haidang_gateway.ingest.allowance import ALARM_RATE, DATA_RATE, STATUS_RATE, Allowance
from haidang_gateway.ingest.arrival import Arrival, owner_of
from haidang_gateway.model import Fact

# The owner of what the gateway itself has to say.
_OURS = ""
_MOST_COUNTED = 10_000
# Telemetry of one node before the next one's: a commit acknowledges each of its nodes once, which
# costs broker and node as much as some packs.
_DATA_IN_TURN = 10

Durable = Fact | Wish | Order | Arrival


@dataclass(frozen=True, slots=True)
class Told:
    """Something whose teller waits until it is durable."""

    item: Durable
    done: asyncio.Future[None]


Urgent = Arrival | Fact | Told | OrdersDue
_Put = TypeVar("_Put", bound=Urgent)


class Inbox:
    """Two bounded queues with one waiting place.

    Nodes are served in turn. Overflow rule: the newest arrival of the node with the most is
    refused and counted, and so is what a node sends beyond its allowance. A refused pack is not
    acknowledged to its node, which sends it again: nothing is lost, that node is slowed down.
    Facts are said once, so their teller waits for a place. The limits should lie well above the
    broker's receive maxima, which mosquitto 2.0.11 does not always keep.

    `on_displaced(arrival)` is called for an arrival that had to go after it was taken.
    """

    def __init__(
        self,
        *,
        urgent_limit: int,
        data_limit: int,
        monotonic_ms: Callable[[], int],
        data_group: int = 1,
    ) -> None:
        """Limits count messages; telemetry wakes again when `data_group` of it wait."""
        self.refused = 0
        self.on_displaced: Callable[[Arrival], None] = _forget
        self._refused_by: Counter[str] = Counter()
        self._urgent: FairQueue[Urgent] = FairQueue(urgent_limit)
        self._data: FairQueue[Urgent] = FairQueue(data_limit, _DATA_IN_TURN)
        self._alarm_allowance = Allowance(ALARM_RATE)
        self._data_allowance = Allowance(DATA_RATE)
        self._status_allowance = Allowance(STATUS_RATE)
        self._urgent_limit = urgent_limit
        self._data_group = data_group
        self._monotonic_ms = monotonic_ms
        self._data_since_ms: int | None = None
        self._something = asyncio.Event()
        self._room = asyncio.Event()

    def put_urgent(self, item: Urgent) -> bool:
        """Queue an alarm pack or a fact; False if it was refused."""
        return not self._put_urgent((item,))

    def put_all_urgent(self, items: Sequence[Arrival]) -> list[Arrival]:
        """Queue alarm packs that came together; those that were refused."""
        return self._put_urgent(items)

    async def tell(self, fact: Fact) -> None:
        """Queue a fact, waiting for a place where the pipeline does not keep up."""
        await self._put_when_room(fact)

    async def tell_durably(self, item: Durable) -> None:
        """Queue an item and return when what it brought is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._put_when_room(Told(item, done))
        await done

    def put_data(self, item: Arrival) -> bool:
        """Queue telemetry; False if it was refused."""
        return not self.put_all_data((item,))

    def put_all_data(self, items: Sequence[Arrival]) -> list[Arrival]:
        """Queue telemetry that came together; what was refused."""
        return self._put_data(items, self._data_allowance)

    def put_status(self, item: Arrival) -> bool:
        """Queue a status; False if it was refused."""
        return not self.put_all_statuses((item,))

    def put_all_statuses(self, items: Sequence[Arrival]) -> list[Arrival]:
        """Queue statuses that came together, behind telemetry; those that were refused."""
        return self._put_data(items, self._status_allowance)

    def take_urgent(self, limit: int) -> list[Urgent]:
        """The oldest urgent items of each node, and the oldest facts, in turn."""
        self._room.set()
        return self._urgent.take(limit)

    def take_data(self, limit: int) -> list[Urgent]:
        """The oldest telemetry, ten messages of each node in turn."""
        taken = self._data.take(limit)
        self._data_since_ms = self._monotonic_ms() if self._data else None
        return taken

    def take_refused(self) -> Counter[str]:
        """How many arrivals of which nodes were refused since the last taking."""
        taken, self._refused_by = self._refused_by, Counter()
        return taken

    def refuse(self, owner: str) -> None:
        """Count something of a node's that was turned away."""
        self.refused += 1
        if owner in self._refused_by or len(self._refused_by) < _MOST_COUNTED:
            self._refused_by[owner] += 1

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
        """Return when there is something new to do, at the latest after `timeout_s`.

        More telemetry behind some that waits is nothing new: `data_age_ms` says when it is due.
        """
        self._something.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._something.wait()
        except TimeoutError:
            return

    async def _put_when_room(self, item: Fact | Told) -> None:
        while self._urgent.count(_OURS) >= self._urgent_limit:
            self._room.clear()
            await self._room.wait()
        self._urgent.push(_OURS, item)
        self._something.set()

    def _put_data(self, items: Sequence[Arrival], allowance: Allowance) -> list[Arrival]:
        refused = self._put(self._data, items, allowance)
        if self._data_since_ms is None and len(refused) < len(items):
            self._data_since_ms = self._monotonic_ms()
            self._something.set()
        elif len(self._data) >= self._data_group:
            self._something.set()
        return refused

    def _put_urgent(self, items: Sequence[_Put]) -> list[_Put]:
        refused = self._put(self._urgent, items, self._alarm_allowance)
        if len(refused) < len(items):
            self._something.set()
        return refused

    def _put(
        self, queue: FairQueue[Urgent], items: Sequence[_Put], allowance: Allowance
    ) -> list[_Put]:
        """Queue what comes in one moment; what of it was refused."""
        now_ms = self._monotonic_ms()
        refused: list[_Put] = []
        for item in items:
            owner = _owner(item)
            if owner != _OURS and not allowance.take(owner, now_ms):
                self.refuse(owner)
                refused.append(item)
                continue
            displaced = queue.put(owner, item)
            if displaced is None:
                continue
            self.refuse(_owner(displaced))
            if displaced is item:
                refused.append(item)
            elif isinstance(displaced, Arrival):
                self.on_displaced(displaced)
        return refused


def _owner(item: Urgent) -> str:
    return owner_of(item.topic) if isinstance(item, Arrival) else _OURS


def _forget(_arrival: Arrival) -> None:
    return
