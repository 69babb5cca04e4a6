"""Everything between the gateway and its operations centre: messages, acks, commands, status."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from haidang_wire import messages, topics
from haidang_wire.errors import WireError

from haidang_gateway.batch import Confirmed
from haidang_gateway.clock import Clock
from haidang_gateway.commands import Wish, wish_of
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import StoreError, UplinkError
from haidang_gateway.store import Store
from haidang_gateway.uplink.centre import CentreClient
from haidang_gateway.uplink.forwarder import Forwarder

_log = logging.getLogger(__name__)

_STATUS_S = 10.0

OnCommand = Callable[[Wish], Awaitable[None]]


class CentreLink:
    """The way to the centre and back; `wake` after each commit, `run` until cancelled.

    `on_command(wish)` returns when the command is durable: only then is it PUBACKed.
    """

    def __init__(
        self,
        gateway: str,
        settings: DestinationSettings,
        *,
        store: Store,
        clock: Clock,
        on_command: OnCommand,
    ) -> None:
        """Make client and forwarder; `run` connects."""
        self._gateway = gateway
        self._clock = clock
        self._on_command = on_command
        self._client = CentreClient(settings, gateway, clock, self._on_message)
        self._forwarder = Forwarder(store, self._client, clock)

    @property
    def confirmed(self) -> Confirmed:
        """What the centre has confirmed since the start."""
        return self._forwarder.confirmed

    @property
    def foreign_acks(self) -> int:
        """Acknowledgements of another epoch since the start."""
        return self._forwarder.foreign_acks

    @property
    def unheard(self) -> int:
        """Messages that the centre's broker took while nobody listened."""
        return self._client.unheard

    def wake(self) -> None:
        """Tell that the store has new messages."""
        self._forwarder.wake()

    async def run(self, status: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        """Forward, listen and report `status` every 10 s."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._client.run(), name="centre client")
            group.create_task(self._forwarder.run(), name="forwarder")
            group.create_task(self._report(status), name="status for the centre")

    async def _on_message(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/ack"):
            await self._forwarder.acknowledge(payload)
        elif wish := wish_of(payload, self._gateway, self._clock.now_ms()):
            await self._on_command(wish)

    async def _report(self, status: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        topic = topics.gateway_topic(self._gateway, "status")
        while True:
            await self._client.connected.wait()
            try:
                payload = messages.encode("gateway_status", dict(await status()))
                self._client.publish(topic, payload, retain=True)
            except (UplinkError, StoreError, WireError) as error:
                _log.debug("no status for the centre this time: %s", error)
            await asyncio.sleep(_STATUS_S)
