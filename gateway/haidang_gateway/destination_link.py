"""Everything between the gateway and one destination: messages, acks, commands, status."""

import asyncio
import dataclasses
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from haidang_wire import messages, topics
from haidang_wire.errors import WireError

from haidang_gateway.batch import Confirmed
from haidang_gateway.clock import Clock
from haidang_gateway.commands import Refused, Resync, Wish, wish_of
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import StoreError, UplinkError
from haidang_gateway.feed import Feed
from haidang_gateway.metrics import fitting
from haidang_gateway.metrics_page import Sample
from haidang_gateway.numbering import Numbering
from haidang_gateway.outgoing import data_draft
from haidang_gateway.store import dead_letters, queries
from haidang_gateway.store import feed as store_feed
from haidang_gateway.store.store import Store
from haidang_gateway.uplink.centre import CentreClient
from haidang_gateway.uplink.forwarder import Forwarder

_log = logging.getLogger(__name__)

_STATUS_S = 10.0
_RESTART_S = 5.0
_NOT_YOURS = ("this destination may only ask for a resync", "give the command at the centre")

OnCommand = Callable[[Wish], Awaitable[None]]
Status = Callable[[], Awaitable[Mapping[str, Any]]]


class DestinationLink:
    """The way to one destination and back; `wake` after each commit, `run` until cancelled.

    `on_command(wish)` returns when the command is durable: only then is it PUBACKed.
    """

    def __init__(
        self,
        gateway: str,
        settings: DestinationSettings,
        feed: Feed,
        *,
        store: Store,
        clock: Clock,
        on_command: OnCommand,
    ) -> None:
        """Make client and forwarder; `run` connects."""
        self.settings = settings
        self.feed = feed
        self._gateway = gateway
        self._store = store
        self._clock = clock
        self._on_command = on_command
        self._client = CentreClient(settings, gateway, clock, self._on_messages)
        self._numbering = Numbering(
            self.compose,
            self._packs_waiting,
            clock=clock,
            batch_s=settings.batch_s,
            on_numbered=lambda: self._forwarder.wake(("data",)),
        )
        self._forwarder = Forwarder(
            store,
            self._client,
            clock,
            settings.name,
            broker_only=settings.mode == "broker-only",
            deflate=settings.deflate,
            on_packs_confirmed=self._numbering.confirmed,
        )

    @property
    def confirmed(self) -> Confirmed:
        """What the destination has confirmed since the start."""
        return self._forwarder.confirmed

    @property
    def foreign_acks(self) -> int:
        """Acknowledgements of another epoch since the start."""
        return self._forwarder.foreign_acks

    @property
    def unheard(self) -> int:
        """Messages that the destination's broker took while nobody listened."""
        return self._client.unheard

    def samples(self) -> list[Sample]:
        """What the status does not say, for the page of figures."""
        labels = {"destination": self.settings.name, "mode": self.settings.mode}
        return [("haidang_destination_window_bytes", labels, self._forwarder.window_bytes)]

    def wake(self) -> None:
        """Tell that the store has new messages."""
        self._forwarder.wake()

    def committed(self, packs: int) -> None:
        """Tell that the store has so many more packs."""
        self._numbering.committed(packs)

    async def state(self, counted: Mapping[str, int]) -> dict[str, Any]:
        """The contract's `destinations` item; `counted` are the store's counters."""
        name = self.settings.name
        backlog = await self._store.backlog(name)
        dead = await self._store.read(functools.partial(dead_letters.count, destination=name))
        now_ms = self._clock.now_ms()
        oldest_ms = now_ms if backlog.oldest_ms is None else backlog.oldest_ms
        return {
            "name": name,
            "mode": self.settings.mode,
            "connected": self._client.connected.is_set(),
            "mqtt": self._client.protocol,
            "queue": backlog.alarms + backlog.replies + backlog.data + backlog.packs,
            "queue_alarms": backlog.alarms,
            "oldest_s": max(0, now_ms - oldest_ms) // 1000,
            "sent": self.confirmed.messages,
            "refused": self._forwarder.refusals,
            "dropped_packs": counted.get(store_feed.dropped_packs(name), 0),
            "dropped_alarms": counted.get(store_feed.dropped_alarms(name), 0),
            "dead": dead,
        }

    async def compose(self, now_ms: int) -> int:
        """Number waiting packs for this destination; how many were looked at."""
        settings, bundle = self.settings, self._forwarder.bundle
        if settings.is_centre and self.feed.is_plain:
            draft = data_draft(self._gateway, settings.name)
            return await self._store.compose_data(
                draft, now_ms, message_bytes=bundle.bytes, ahead=bundle.ahead
            )
        if not settings.is_centre:
            await self._store.care(
                functools.partial(
                    store_feed.bound,
                    destination=settings.name,
                    packs=settings.queue_packs,
                    alarms=settings.queue_alarms,
                )
            )
        plan, prefix = self.feed.plan(), f"{self._gateway}/{self._store.epoch}"
        compose = functools.partial(
            store_feed.compose,
            plan=plan,
            prefix=prefix,
            now_ms=now_ms,
            message_bytes=bundle.bytes,
            ahead=bundle.ahead,
        )
        return await self._store.care(compose)

    async def _packs_waiting(self) -> int:
        count = functools.partial(queries.packs_waiting, destination=self.settings.name)
        return await self._store.read(count)

    async def number(self) -> None:
        """Number what waits until cancelled: for the centre beside `run`, else a part of it.

        A store error that cannot pass ends it, and with the centre's the gateway, whose next
        start mends the database; an error in a format of any other ends that destination alone.
        """
        await self._numbering.run()

    async def run(self, status: Status) -> None:
        """Forward, listen and report `status` every 10 s until cancelled.

        An error in the program ends no other destination, and this one for 5 s.
        """
        while True:
            try:
                await self._work(status)
            except Exception:  # noqa: BLE001 (alarms must go on to all others)
                _log.exception("the way to %s failed, it begins anew", self.settings.name)
            await asyncio.sleep(_RESTART_S)

    async def _work(self, status: Status) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._client.run(), name=f"client of {self.settings.name}")
            group.create_task(self._forwarder.run(), name=f"forwarder of {self.settings.name}")
            group.create_task(self._report(status), name=f"status for {self.settings.name}")
            if not self.settings.is_centre:
                group.create_task(self.number(), name=f"numbering for {self.settings.name}")

    async def _on_messages(self, topic: str, payloads: Sequence[bytes]) -> None:
        if topic.endswith("/ack"):
            await self._forwarder.acknowledge(payloads)
            return
        for payload in payloads:
            if wish := wish_of(payload, self._gateway, self._clock.now_ms()):
                await self._on_command(self._allowed(wish))

    def _allowed(self, wish: Wish) -> Wish:
        """Only the operations centre commands; everybody may ask for the open alarms."""
        what = wish.what
        if not self.settings.is_centre and not isinstance(what, Resync | Refused):
            what = Refused(*_NOT_YOURS)
        return dataclasses.replace(wish, what=what, origin=self.settings.name)

    async def _report(self, status: Status) -> None:
        topic = topics.gateway_topic(self._gateway, "status")
        while True:
            await self._client.connected.wait()
            try:
                payload = messages.encode("gateway_status", fitting(await status()))
                self._client.publish(topic, payload, retain=True)
            except (UplinkError, StoreError, WireError) as error:
                _log.debug("no status for %s this time: %s", self.settings.name, error)
            await asyncio.sleep(_STATUS_S)
