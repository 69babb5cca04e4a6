"""Sends what the store holds for a destination until the destination has confirmed it."""

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from haidang_wire import messages, ranges
from haidang_wire.errors import MessageError

from haidang_gateway.batch import CENTRE, Confirmed, Outgoing
from haidang_gateway.clock import Clock
from haidang_gateway.errors import StoreError, UplinkError
from haidang_gateway.formats.home_assistant import is_retained
from haidang_gateway.model import OutLane
from haidang_gateway.store import dead_letters
from haidang_gateway.store.schema import Connection
from haidang_gateway.uplink.deflating import deflated
from haidang_gateway.uplink.pace import Bundle, bundle_of
from haidang_gateway.uplink.window import LANES, Window

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

# A store that cannot be read, or a link without room, is asked again after this time.
_RETRY_S = 1.0
# How much telemetry shrinks is the mean of about so many messages.
_SHRINKING_OVER = 8
# MQTT 5 reason codes from here on are failures; with this one nobody is subscribed.
REFUSED = 0x80
NOBODY = 0x10


class Outbox(Protocol):
    """The part of the store that the forwarder needs."""

    epoch: str

    async def pending(
        self, destination: str, lane: OutLane, after_seq: int, limit: int
    ) -> list[Outgoing]:
        """Unconfirmed messages of a lane above `after_seq`, in rising order."""

    async def confirm(
        self, destination: str, epoch: str, ranges: Sequence[Sequence[int]]
    ) -> Confirmed:
        """Delete what the destination has committed."""

    async def care(self, work: Callable[[Connection], _T]) -> _T:
        """A short change between two commits."""


class Link(Protocol):
    """The line: how often it was made, and how often the broker may have forgotten us by then."""

    connected: asyncio.Event
    connections: int
    sessions: int

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        """Send; the future has the broker's reason code, or is cancelled with the connection.

        Raises UplinkError without a connection or room.
        """

    def notify(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever a connection is made or lost."""


class Forwarder:
    """Alarms first, at most 96 messages unconfirmed; only a confirmation deletes one.

    That is the destination's `ack`, or with `broker_only` its broker's PUBACK.
    """

    def __init__(
        self,
        store: Outbox,
        link: Link,
        clock: Clock,
        destination: str = CENTRE,
        *,
        broker_only: bool = False,
        deflate: bool = False,
        on_packs_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep the parts; the store must be open before `run`. `deflate` packs telemetry.

        `on_packs_confirmed()` is called when the destination has confirmed readings.
        """
        self.sendings = 0
        self.refusals = 0
        self.confirmed = Confirmed()
        self.foreign_acks = 0
        self._on_packs_confirmed = on_packs_confirmed
        self._store = store
        self._link = link
        self._clock = clock
        self._destination = destination
        self._broker_only = broker_only
        self._deflate = deflate
        self._shrinks = 1.0
        self._puback: list[int] = []
        self._hopeless: dict[int, str] = {}
        self._window = Window()
        self._news = asyncio.Event()
        self._unread = set(LANES)
        self._connection = self._session = 0

    @property
    def unconfirmed(self) -> int:
        """How many messages are loaded and not confirmed."""
        return len(self._window)

    @property
    def window_bytes(self) -> int:
        """How much telemetry may be under way on the line, as it was measured."""
        return self._window.pace.size(self._clock.monotonic_ms())

    @property
    def bundle(self) -> Bundle:
        """What the next data messages should be like for the line."""
        pace, now_ms = self._window.pace, self._clock.monotonic_ms()
        sent = self._window.sent_of("data")
        return bundle_of(pace.size(now_ms), self._shrinks, sent, pace.rate(now_ms))

    def wake(self, lanes: Sequence[OutLane] = LANES) -> None:
        """Tell that the store has new messages, of these lanes alone."""
        self._unread.update(lanes)
        self._news.set()

    async def run(self) -> None:
        """Forward until cancelled."""
        self._link.notify(self._news.set)
        # What a run that failed had begun to read is not forgotten.
        self._unread.update(LANES)
        while True:
            await self._link.connected.wait()
            self._news.clear()
            if self._connection != self._link.connections:
                self._reconnected()
            complete = await self._forward()
            await self._rest(_RETRY_S if not complete else None)

    async def acknowledge(self, payloads: Sequence[bytes]) -> int:
        """Take acks of the centre that came together; how many messages they confirmed.

        They are made durable in one: each costs an fsync. An ack of another epoch, of messages
        never sent, or that cannot be read confirms nothing.
        """
        acknowledged: list[list[int]] = []
        for payload in payloads:
            for low, high in self._acknowledged(payload):
                ranges.add_range(acknowledged, low, high)
        return await self._confirm(acknowledged) if acknowledged else 0

    def _acknowledged(self, payload: bytes) -> Sequence[Sequence[int]]:
        try:
            ack = messages.decode("centre_ack", payload)
        except MessageError as error:
            _log.warning("an acknowledgement of the centre is not readable: %s", error)
            return ()
        if ack["epoch"] != self._store.epoch:
            self.foreign_acks += 1
            _log.info("the centre acknowledged epoch %s, ours is another", ack["epoch"])
            return ()
        acknowledged: Sequence[Sequence[int]] = ack["s"]
        return acknowledged

    async def _confirm(self, acknowledged: Sequence[Sequence[int]]) -> int:
        ours = self._window.under_way(acknowledged)
        if not ours:
            return 0
        try:
            news = await self._store.confirm(self._destination, self._store.epoch, ours)
        except StoreError as error:
            # They are sent once more, and acknowledged once more.
            _log.error("what the centre acknowledged could not be deleted: %s", error)
            return 0
        self._window.confirm(ours, self._clock.monotonic_ms())
        self.confirmed = Confirmed(
            messages=self.confirmed.messages + news.messages,
            alarms=self.confirmed.alarms + news.alarms,
            packs=self.confirmed.packs + news.packs,
        )
        self._news.set()
        if news.packs:
            self._on_packs_confirmed()
        return news.messages

    def _reconnected(self) -> None:
        is_kept = self._session == self._link.sessions
        self._connection, self._session = self._link.connections, self._link.sessions
        hopeless = self._window.reconnected(self._clock.monotonic_ms(), is_kept=is_kept)
        if hopeless is not None:
            self._hopeless[hopeless] = "the broker hung up on it again and again"

    async def _forward(self) -> bool:
        """Send what is due; False when the store could not be read or the link took less.

        Alarms are on their way before anything else is read or written.
        """
        sent = await self._load("alarm") and self._send()
        await self._settle()
        return sent and await self._load("reply") and await self._load("data") and self._send()

    async def _load(self, lane: OutLane) -> bool:
        """Fill the window from a lane; False when the store could not be read."""
        room = self._window.room(lane)
        if lane not in self._unread or not room:
            return True
        self._unread.discard(lane)
        try:
            found = await self._store.pending(
                self._destination, lane, self._window.cursor(lane), room
            )
        except StoreError as error:
            _log.error("the waiting messages cannot be read: %s", error)
            self._unread.add(lane)
            return False
        if len(found) == room:
            self._unread.add(lane)
        for message in found:
            self._window.add(self._packed(message) if self._deflate else message)
        return True

    def _packed(self, message: Outgoing) -> Outgoing:
        packed = deflated(message)
        if message.lane == "data":
            shrinks = len(message.payload) / len(packed.payload)
            self._shrinks += (shrinks - self._shrinks) / _SHRINKING_OVER
        return packed

    def _send(self) -> bool:
        """Send what is due; False when the link took less than that."""
        for message in self._window.due(self._clock.monotonic_ms()):
            if message.seq in self._puback:
                # It has arrived; what is left is to delete it.
                continue
            try:
                future = self._link.publish(message.topic, message.payload)
            except UplinkError as error:
                _log.debug("sequence %s waits: %s", message.seq, error)
                return False
            self._window.sent(message.seq, self._clock.monotonic_ms())
            self.sendings += 1
            future.add_done_callback(functools.partial(self._taken, message.seq, message.topic))
        return True

    def _taken(self, seq: int, topic: str, future: asyncio.Future[int]) -> None:
        if not future.cancelled():
            self._answered(seq, topic, future.result())
        self._news.set()

    def _answered(self, seq: int, topic: str, code: int) -> None:
        now_ms = self._clock.monotonic_ms()
        if code >= REFUSED:
            self.refusals += 1
            if self._window.refused(seq, now_ms):
                self._hopeless[seq] = f"refused with code 0x{code:02x} again and again"
            return
        # What the broker told nobody is sent again, until somebody listens or it is retained.
        is_heard = code != NOBODY or is_retained(topic)
        self._window.taken(seq, now_ms, is_heard=is_heard)
        self._hopeless.pop(seq, None)
        if self._broker_only and is_heard:
            self._puback.append(seq)

    async def _settle(self) -> None:
        """Make durable what the broker's answers have decided; what fails is tried again."""
        taken, self._puback = self._puback, []
        if taken:
            await self._confirm(ranges.from_sorted(sorted(set(taken))))
        for seq, reason in list(self._hopeless.items()):
            bury = functools.partial(
                dead_letters.bury,
                destination=self._destination,
                seq=seq,
                reason=reason,
                now_ms=self._clock.now_ms(),
            )
            try:
                await self._store.care(bury)
            except StoreError as error:
                _log.error("a refused message could not be set aside: %s", error)
                return
            _log.warning(
                "%s: message %s is set aside: %s; see `haidang-gateway ledger`",
                self._destination,
                seq,
                reason,
            )
            self._window.drop(seq)
            del self._hopeless[seq]

    async def _rest(self, longest_s: float | None) -> None:
        """Wait for news or for the next message that becomes due."""
        now_ms = self._clock.monotonic_ms()
        due_ms = self._window.next_due_ms(now_ms)
        waits = [longest_s] if longest_s is not None else []
        if due_ms is not None:
            waits.append((due_ms - now_ms) / 1000)
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._news.wait()
        except TimeoutError:
            pass
