"""The line to the operations centre: kept up for ever, a lost connection replaced by a new one."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from haidang_gateway.clock import Clock
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import UplinkError
from haidang_gateway.uplink.client import Connection

_log = logging.getLogger(__name__)

OnMessage = Callable[[str, bytes], Awaitable[None]]

_BACKOFF_FIRST_S = 0.5
_BACKOFF_CAP_S = 15.0
_STABLE_MS = 5_000
_FAILED = 0x80
_NOBODY = 0x10


class CentreClient:
    """Keeps one connection up; a lost one is replaced by a new one, never revived.

    `on_message(topic, payload)` is awaited for each ack and command, one after the other; the
    broker's copy is released when it returns.
    """

    def __init__(
        self, settings: DestinationSettings, gateway: str, clock: Clock, on_message: OnMessage
    ) -> None:
        """Keep the arguments; `run` does the work."""
        self.connected = asyncio.Event()
        self.connections = 0
        self.refused = 0
        self.unheard = 0
        self._settings = settings
        self._gateway = gateway
        self._clock = clock
        self._on_message = on_message
        self._callbacks: list[Callable[[], None]] = []
        self._connection: Connection | None = None
        self._down_ms: int | None = None

    def notify(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever a connection is made or lost."""
        self._callbacks.append(callback)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[int]:
        """Send with QoS 1; the future has the broker's reason code.

        The future is cancelled when the connection is lost first. Raises UplinkError without a
        connection, or when the window of 100 unanswered messages is full.
        """
        if self._connection is None or not self.connected.is_set():
            raise UplinkError("there is no connection to the operations centre's broker")
        future = self._connection.publish(topic, payload, retain=retain)
        future.add_done_callback(self._answered)
        return future

    async def run(self) -> None:
        """Stay connected until cancelled."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            started_ms = self._clock.monotonic_ms()
            try:
                await self._connect_and_serve()
            except UplinkError as error:
                self._went_down(error)
            if self._clock.monotonic_ms() - started_ms > _STABLE_MS:
                backoff_s = _BACKOFF_FIRST_S
            await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))
            backoff_s = min(backoff_s * 2, _BACKOFF_CAP_S)

    async def _connect_and_serve(self) -> None:
        connection = Connection(self._settings, self._gateway)
        try:
            await connection.open()
            self._connection = connection
            self._went_up()
            while True:
                topic, payload, mid = await connection.next_message()
                await self._on_message(topic, payload)
                connection.acknowledge(mid)
        finally:
            self._connection = None
            self.connected.clear()
            await _to_the_end(connection.close())
            self._tell()

    def _went_up(self) -> None:
        self.connections += 1
        down_s = 0.0
        if self._down_ms is not None:
            down_s = (self._clock.monotonic_ms() - self._down_ms) / 1000
        _log.info("connected to the operations centre after %.1f s", down_s)
        self._down_ms = None
        self.connected.set()
        self._tell()

    def _went_down(self, error: UplinkError) -> None:
        level = logging.WARNING if self._down_ms is None else logging.DEBUG
        _log.log(level, "no connection to the operations centre: %s", error)
        if self._down_ms is None:
            self._down_ms = self._clock.monotonic_ms()

    def _tell(self) -> None:
        for callback in self._callbacks:
            callback()

    def _answered(self, future: asyncio.Future[int]) -> None:
        if future.cancelled():
            return
        if future.result() == _NOBODY:
            self.unheard += 1
        elif future.result() >= _FAILED:
            level = logging.DEBUG if self.refused else logging.WARNING
            _log.log(
                level,
                "the centre's broker refuses our messages (code 0x%02x); check its access list",
                future.result(),
            )
            self.refused += 1


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` whole: being cancelled meanwhile must not leave a thread behind."""
    task = asyncio.create_task(work, name="close the connection to the centre")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
