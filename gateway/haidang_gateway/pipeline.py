"""The gateway's one line of work: items in, one commit, then the answers."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from haidang_gateway.batch import Batch, BootKey
from haidang_gateway.clock import Clock
from haidang_gateway.crash_points import CrashPoints
from haidang_gateway.errors import StoreError
from haidang_gateway.fleet.orders import Orders
from haidang_gateway.inbox import Inbox, Urgent
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.intake import Intake
from haidang_gateway.model import Lane
from haidang_gateway.store.store import Store
from haidang_gateway.work import Said, Work

_log = logging.getLogger(__name__)

_URGENT_GROUP = 50
# So much telemetry is committed at once, however young it is.
DATA_GROUP = 500
# So much is taken before orders and the uplink have their turn.
_GROUPS_AT_ONCE = 4
# Reading a pack takes 0.1 ms on a PC and 1 ms on a small board: other tasks wait no longer.
_DATA_SLICE = 20
# In a storm of alarms telemetry waits for so many commits, then a slice of it goes with each.
_PASSED_OVER = 10
_IDLE_S = 1.0
_RETRY_FIRST_S = 0.1
_RETRY_CAP_S = 5.0
_RETRY_LIMIT_MS = 600_000


class Answers(Protocol):
    """Where the answers go: the link to the nodes."""

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        """PUBACK arrivals."""

    def publish_ack(self, key: BootKey, ranges: Sequence[Sequence[int]], lane: Lane) -> None:
        """Tell a node which packs are committed."""

    def publish_heard(self, node: str, crc: int) -> None:
        """Tell a node which reply of its is committed."""

    def publish_command(self, node: str, payload: bytes) -> bool:
        """Send a command; False where it cannot be sent now."""


class Pipeline:
    """Takes urgent items at once and telemetry in groups; answers only what is committed.

    `on_commit(batch)` is called after each commit, to wake the uplink; `on_answer(answer)` for
    each answer to what was asked at this gateway.
    """

    def __init__(
        self,
        *,
        intake: Intake,
        orders: Orders,
        inbox: Inbox,
        store: Store,
        answers: Answers,
        clock: Clock,
        telemetry_commit_ms: int,
        on_commit: Callable[[Batch], None],
        on_answer: Callable[[Said], None],
        crash_points: CrashPoints | None = None,
    ) -> None:
        """Store the parts; `run` works."""
        self.last_step_ms = clock.monotonic_ms()
        self.retries = 0
        self._intake = intake
        self._orders = orders
        self._inbox = inbox
        self._store = store
        self._answers = answers
        self._clock = clock
        self._telemetry_commit_ms = telemetry_commit_ms
        self._on_commit = on_commit
        self._on_answer = on_answer
        self._crash_points = crash_points or CrashPoints()
        self._passed_over = 0

    async def run(self) -> None:
        """Work until cancelled; a store error that cannot pass ends the gateway."""
        while True:
            await self.step()

    async def step(self) -> None:
        """One round: what is due now becomes durable and is answered, or wait for something."""
        now_ms = self._clock.now_ms()
        urgent: Sequence[Urgent] = [
            *self._intake.timers(now_ms),
            *self._inbox.take_urgent(_URGENT_GROUP),
        ]
        if urgent:
            work = Work()
            self._intake.take([*urgent, *self._overdue()], work, now_ms)
            await self._settle(work, self._intake.batch(work, now_ms))
        elif self._data_is_due():
            self._passed_over = 0
            await self._all_data(now_ms)
        else:
            await self._inbox.wait(self._pause_s(now_ms))
        # Here everything that the orders know of is committed.
        for sending in self._orders.to_send(now_ms):
            if self._answers.publish_command(sending.node, sending.payload):
                self._orders.sent(sending.name, now_ms)
        self.last_step_ms = self._clock.monotonic_ms()

    def _overdue(self) -> Sequence[Urgent]:
        """Some telemetry, where alarms come without a break: the signs of life are among it."""
        if not self._data_is_due():
            return ()
        self._passed_over += 1
        return self._inbox.take_data(_DATA_SLICE) if self._passed_over > _PASSED_OVER else ()

    async def _all_data(self, now_ms: int) -> None:
        """Telemetry in groups; each is read while the one before is committed.

        An alarm that comes meanwhile ends it; when this returns, all that was taken is answered.
        """
        under_way: asyncio.Task[None] | None = None
        try:
            for _ in range(_GROUPS_AT_ONCE):
                work = await self._some_data(now_ms)
                if under_way is not None:
                    await under_way
                # What the parts have changed so far belongs to this group: closed before the next.
                batch = self._intake.batch(work, now_ms)
                under_way = asyncio.create_task(self._settle(work, batch), name="commit")
                if self._inbox.urgent_waits or not self._data_is_due():
                    break
            if under_way is not None:
                await under_way
        finally:
            if under_way is not None and not under_way.done():
                under_way.cancel()
                await asyncio.gather(under_way, return_exceptions=True)

    async def _some_data(self, now_ms: int) -> Work:
        """A group of telemetry, read in slices: an alarm that comes meanwhile ends the group."""
        work = Work()
        for _ in range(DATA_GROUP // _DATA_SLICE):
            items = self._inbox.take_data(_DATA_SLICE)
            self._intake.take(items, work, now_ms)
            if len(items) < _DATA_SLICE:
                break
            await asyncio.sleep(0)
            if self._inbox.urgent_waits:
                break
        return work

    async def _settle(self, work: Work, batch: Batch) -> None:
        self._crash_points.passing("before_commit", work.alarm_packs)
        self._crash_points.passing("reply_before_commit", len(work.heard))
        if not batch.empty:
            await self._commit(batch)
        self._crash_points.passing("after_commit", work.alarm_packs)
        self._answer(work)

    async def _commit(self, batch: Batch) -> None:
        pause_s = _RETRY_FIRST_S
        since_ms = self._clock.monotonic_ms()
        while True:
            try:
                await self._store.commit(batch)
                break
            except StoreError as error:
                if not error.retryable:
                    raise
                level = logging.DEBUG if pause_s > _RETRY_FIRST_S else logging.WARNING
                _log.log(level, "nothing is acknowledged until this passes: %s", error)
                self.retries += 1
                self.last_step_ms = self._clock.monotonic_ms()
                if self.last_step_ms - since_ms > _RETRY_LIMIT_MS:
                    # A new process opens the files anew.
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _RETRY_CAP_S)
        if pause_s > _RETRY_FIRST_S:
            away_s = (self._clock.monotonic_ms() - since_ms) / 1000
            _log.info("the store works again after %.1f s", away_s)
        self._on_commit(batch)

    def _answer(self, work: Work) -> None:
        for (lane, key), ranges in work.acks.items():
            self._answers.publish_ack(key, ranges, lane)
        for node, crc in work.heard:
            self._answers.publish_heard(node, crc)
        self._crash_points.passing("before_puback", work.alarm_packs)
        self._answers.acknowledge(work.arrivals)
        for answer in work.answers:
            self._on_answer(answer)
        for told in work.told:
            if not told.done.done():
                told.done.set_result(None)

    def _data_is_due(self) -> bool:
        age_ms = self._inbox.data_age_ms()
        return age_ms is not None and (
            age_ms >= self._telemetry_commit_ms or self._inbox.data_count >= DATA_GROUP
        )

    def _pause_s(self, now_ms: int) -> float:
        pauses_ms = [_IDLE_S * 1000]
        if (due_ms := self._intake.next_due_ms(now_ms)) is not None:
            pauses_ms.append(due_ms - now_ms)
        if (age_ms := self._inbox.data_age_ms()) is not None:
            pauses_ms.append(self._telemetry_commit_ms - age_ms)
        return max(min(pauses_ms), 1.0) / 1000
