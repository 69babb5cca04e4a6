"""The line to a destination: kept up for ever, a lost connection replaced by a new one."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from haidang_gateway.clock import Clock
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import HungUp, UplinkError, UplinkRefused
from haidang_gateway.formats.home_assistant import is_retained
from haidang_gateway.redial import DESTINATION, Redial
from haidang_gateway.uplink.client import TOO_LARGE, Arrived, Connection
from haidang_gateway.uplink.protocol import ProtocolChoice

_log = logging.getLogger(__name__)

OnMessages = Callable[[str, Sequence[bytes]], Awaitable[None]]

_FAILED = 0x80
_NOBODY = 0x10
# In TLS 1.3 a broker says no to our certificate when we have spoken already; half of the time the
# line is reset before its reason is read. A proxy that ends TLS hangs up without a word, too, for
# as long as its broker is starting: alarms must not wait for the pause of a refusal then.
_MUTE_MS = 60_000


class CentreClient:
    """Keeps one connection up; a lost one is replaced by a new one, never revived.

    `on_messages(topic, payloads)` is awaited for the acks that have come together, and for each
    command by itself, one after the other; the broker's copies are released when it returns.
    """

    def __init__(
        self, settings: DestinationSettings, gateway: str, clock: Clock, on_messages: OnMessages
    ) -> None:
        """Keep the arguments; `run` does the work."""
        self.connected = asyncio.Event()
        self.connections = 0
        self.sessions = 0
        self.refused = 0
        self.unheard = 0
        self._settings = settings
        self._gateway = gateway
        self._clock = clock
        self._on_messages = on_messages
        self._callbacks: list[Callable[[], None]] = []
        self._connection: Connection | None = None
        self._choice = ProtocolChoice(settings.protocol, settings.mode)
        self._redial = Redial(DESTINATION)
        # From when on a hang-up is a refusal, since nothing else came.
        self._mute_ms: int | None = None
        self._down_ms: int | None = None

    @property
    def protocol(self) -> str:
        """The version of MQTT that is spoken, or tried next."""
        return "3.1.1" if self._choice.old else "5"

    def notify(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever a connection is made or lost."""
        if callback not in self._callbacks:
            self._callbacks.append(callback)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[int]:
        """Send with QoS 1; the future has the broker's reason code.

        The future is cancelled when the connection is lost first. Raises UplinkError without a
        connection, or when the window of 100 unanswered messages is full.
        """
        if self._connection is None or not self.connected.is_set():
            raise UplinkError(f"there is no connection to the broker of {self._name}")
        future = self._connection.publish(topic, payload, retain=retain or is_retained(topic))
        future.add_done_callback(self._answered)
        return future

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._connect_and_serve()
            except UplinkError as error:
                self._went_down(error)
                now_ms = self._clock.monotonic_ms()
                await asyncio.sleep(self._redial.pause_s(now_ms, self._judged(error, now_ms)))

    @property
    def _name(self) -> str:
        return "the operations centre" if self._settings.is_centre else self._settings.name

    async def _connect_and_serve(self) -> None:
        connection = Connection(self._settings, self._gateway, self._choice.old)
        try:
            try:
                await connection.open()
            except UplinkError as error:
                self._choice.failed(error)
                raise
            self._choice.worked()
            self._count_session(connection)
            self._connection = connection
            self._went_up()
            while True:
                came = await connection.next_messages()
                for _, together in itertools.groupby(came, _whose):
                    topics, payloads, mids = zip(*together, strict=True)
                    await self._on_messages(topics[0], payloads)
                    for mid in mids:
                        connection.acknowledge(mid)
        finally:
            self._connection = None
            self.connected.clear()
            await _to_the_end(connection.close())
            self._count_session(connection)
            self._tell()

    def _count_session(self, connection: Connection) -> None:
        """One that the broker has begun anew, or may have where it did not answer, counts once."""
        self.sessions += connection.is_new_session
        connection.is_new_session = False

    def _went_up(self) -> None:
        self.connections += 1
        self._redial.up(self._clock.monotonic_ms())
        self._mute_ms = None
        down_s = 0.0
        if self._down_ms is not None:
            down_s = (self._clock.monotonic_ms() - self._down_ms) / 1000
        version = "3.1.1" if self._choice.old else "5"
        _log.info("connected to %s after %.1f s (MQTT %s)", self._name, down_s, version)
        self._down_ms = None
        self.connected.set()
        self._tell()

    def _went_down(self, error: UplinkError) -> None:
        level = logging.WARNING if self._down_ms is None else logging.DEBUG
        _log.log(level, "no connection to %s: %s", self._name, error)
        if self._down_ms is None:
            self._down_ms = self._clock.monotonic_ms()

    def _judged(self, error: UplinkError, now_ms: int) -> UplinkError:
        """A hang-up is a refusal, too, behind a refusal or a minute of hang-ups."""
        if isinstance(error, UplinkRefused):
            self._mute_ms = now_ms
        elif not isinstance(error, HungUp):
            self._mute_ms = None
        elif self._mute_ms is None:
            self._mute_ms = now_ms + _MUTE_MS
        elif now_ms >= self._mute_ms:
            return UplinkRefused(str(error))
        return error

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
                "the broker of %s refuses our messages (code 0x%02x); check its %s",
                self._name,
                future.result(),
                "limit of a packet's size" if future.result() == TOO_LARGE else "access list",
            )
            self.refused += 1


def _whose(message: Arrived) -> str | int:
    """The same for all acks; a command is no other's."""
    topic, _, mid = message
    return topic if topic.endswith("/ack") else mid


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` whole: being cancelled meanwhile must not leave a thread behind."""
    task = asyncio.create_task(work, name="close the connection to the centre")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
