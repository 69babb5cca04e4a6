"""One identity's MQTT 5 session with the gateway's broker: connect, keep alive, reconnect."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haidang_wire.errors import MqttError
from haidang_wire.mqtt5 import Acknowledged, Closed, Connected, Message, Subscribed
from haidang_wire.reasons import reason_text
from haidang_wire.session_events import Will

from haidang_gateway.clock import Clock
from haidang_gateway.errors import BrokerError, BrokerRefused
from haidang_gateway.ingest.broker_line import BrokerLine
from haidang_gateway.ingest.quick_session import PUBACK_BYTES, QuickSession
from haidang_gateway.redial import OWN_BROKER, Redial

_log = logging.getLogger(__name__)

_OPEN_TIMEOUT_S = 10.0
_TICK_S = 1.0
# A broker that does not read for so long that this much waits is as good as gone.
_WRITE_LIMIT_BYTES = 1024 * 1024
# deploy/mosquitto/gateway.conf allows packets of 16 KiB.
_MAXIMUM_PACKET_BYTES = 16_384
_KEEPALIVE_S = 20
_FAILED = 0x80
# No matching subscribers.
_NOBODY = 0x10
# Leaving in order, too, must tell the nodes that the gateway is away.
_DISCONNECT_WITH_WILL = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Where and as whom to connect; the certificate's name is the client id."""

    name: str
    host: str
    port: int
    server_name: str
    ca: Path
    cert: Path
    key: Path


class BrokerSession:
    """Keeps one connection up; a lost one is replaced by a new one, never revived.

    `on_messages(messages, connection)` is called for the publishes that came together;
    `on_change()` when the session comes up (subscribed) or goes down.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        filters: Sequence[str],
        receive_maximum: int,
        will: Will,
        clock: Clock,
        on_messages: Callable[[Sequence[Message], int], None],
        on_change: Callable[[], None],
    ) -> None:
        """Store the arguments; `run` connects."""
        self.up = False
        self.connection = 0
        # Called with the topic of a publish that no subscriber and no session was there for.
        self.on_unheard: Callable[[str], None] | None = None
        self._unanswered: dict[int, str] = {}
        self._identity = identity
        self._filters = list(filters)
        self._receive_maximum = receive_maximum
        self._will = will
        self._clock = clock
        self._on_messages = on_messages
        self._on_change = on_change
        self._mqtt: QuickSession | None = None
        self._transport: asyncio.Transport | None = None
        self._down_since_ms: int | None = None
        self._redial = Redial(OWN_BROKER)
        # What goes out at the end of the loop's turn.
        self._waiting: list[bytes] = []

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._connection()
            except (BrokerError, MqttError, OSError) as error:
                self._went_down(error)
                now_ms = self._clock.monotonic_ms()
                await asyncio.sleep(self._redial.pause_s(now_ms, error))

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Send now; False if there is no connection or its window is full."""
        if not self.up or self._mqtt is None or (qos and not self._mqtt.can_publish):
            return False
        try:
            packet_id, data = self._mqtt.publish(topic, payload, qos=qos, retain=retain)
        except MqttError as error:
            _log.warning("%s cannot publish on %s: %s", self._identity.name, topic, error)
            return False
        if self.on_unheard and qos:
            self._unanswered[packet_id] = topic
        self._send(data)
        return True

    def acknowledge(self, packet_ids: Sequence[int], connection: int) -> None:
        """PUBACK messages of the same connection; the broker repeats them on a new one."""
        if self._mqtt is None or connection != self.connection:
            return
        data = self._mqtt.acknowledge_all(packet_ids)
        if len(data) < len(packet_ids) * PUBACK_BYTES:
            _log.warning("%s has nothing to acknowledge: %s", self._identity.name, packet_ids)
        self._send(data)

    def has_room(self) -> bool:
        """Whether a QoS 1 publish would be taken now."""
        return self.up and self._mqtt is not None and bool(self._mqtt.can_publish)

    async def _connection(self) -> None:
        mqtt = QuickSession(
            self._identity.name,
            keepalive_s=_KEEPALIVE_S,
            clean_start=True,
            session_expiry_s=0,
            receive_maximum=self._receive_maximum,
            maximum_packet_bytes=_MAXIMUM_PACKET_BYTES,
            will=self._will,
        )
        line = BrokerLine(lambda data: self._take(data, mqtt))
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(
                lambda: line,
                self._identity.host,
                self._identity.port,
                ssl=self._tls(),
                server_hostname=self._identity.server_name,
            )
        self.connection += 1
        self._unanswered.clear()
        self._mqtt, self._transport = mqtt, line.transport
        try:
            self._send(mqtt.connect())
            await self._keep(line, mqtt)
        finally:
            self._close()

    async def _keep(self, line: BrokerLine, mqtt: QuickSession) -> None:
        deadline_ms = self._clock.monotonic_ms() + round(_OPEN_TIMEOUT_S * 1000)
        while not line.has_ended:
            now_ms = self._clock.monotonic_ms()
            if not self.up and now_ms > deadline_ms:
                raise BrokerError("the broker accepts the connection but does not answer")
            if ping := mqtt.ping(now_ms):
                self._send(ping)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await line.end()
        await line.end()

    def _take(self, data: bytes, mqtt: QuickSession) -> None:
        messages, others = mqtt.take(data)
        if messages:
            self._on_messages(messages, self.connection)
        for event in others:
            self._handle(event, mqtt)

    def _handle(self, event: Any, mqtt: QuickSession) -> None:
        if isinstance(event, Acknowledged):
            topic = self._unanswered.pop(event.packet_id, "")
            if event.reason == _NOBODY and self.on_unheard and topic:
                self.on_unheard(topic)
        elif isinstance(event, Connected):
            _, data = mqtt.subscribe(self._filters, qos=1, no_local=True)
            self._send(data)
        elif isinstance(event, Subscribed):
            self._subscribed(event)
        elif isinstance(event, Closed):
            raise BrokerError(f"the broker ended the session: {reason_text(event.reason)}")

    def _subscribed(self, event: Subscribed) -> None:
        if any(reason >= _FAILED for reason in event.reasons):
            raise BrokerRefused(
                f"{self._identity.name} may not subscribe; renew the broker's access list "
                "with `haidang-gateway ca acl`"
            )
        self.up = True
        self._redial.up(self._clock.monotonic_ms())
        if self._down_since_ms is not None:
            away_s = (self._clock.monotonic_ms() - self._down_since_ms) / 1000
            _log.info("%s is connected again after %.1f s", self._identity.name, away_s)
        self._down_since_ms = None
        self._on_change()

    def _send(self, data: bytes) -> None:
        if not data or self._transport is None or self._mqtt is None:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        """All answers of one turn of the loop in one TLS record: one for each costs ten times."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        if not data or self._transport is None or self._mqtt is None:
            return
        if self._transport.get_write_buffer_size() > _WRITE_LIMIT_BYTES:
            self._transport.abort()
            return
        self._transport.write(data)
        self._mqtt.sent(self._clock.monotonic_ms())

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._identity.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._identity.cert, self._identity.key)
        return context

    def _close(self) -> None:
        self._flush()
        if self._transport is not None:
            if self._mqtt is not None and self.up:
                self._transport.write(self._mqtt.disconnect(_DISCONNECT_WITH_WILL))
            self._transport.close()
        was_up, self.up = self.up, False
        self._transport = self._mqtt = None
        if was_up:
            self._on_change()

    def _went_down(self, error: Exception) -> None:
        first = self._down_since_ms is None
        if first:
            self._down_since_ms = self._clock.monotonic_ms()
        _log.log(
            logging.WARNING if first else logging.DEBUG,
            "%s has no connection to the broker %s:%s: %s; trying again",
            self._identity.name,
            self._identity.host,
            self._identity.port,
            error or type(error).__name__,
        )
