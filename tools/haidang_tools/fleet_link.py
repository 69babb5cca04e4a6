"""One connection of a simulated node (or of many that share one) with the gateway's broker."""

import asyncio
import contextlib
import json
import random
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haidang_wire.errors import MqttError
from haidang_wire.mqtt5 import Connected, Message, Session, Subscribed, Will
from haidang_wire.naming import GW_STATUS, node_filter, node_topic

from haidang_tools.fleet_node import SimNode

_OFFLINE = b'{"v":1,"state":"offline"}'
_OPEN_S = 15.0
_TURN_S = 0.25
_AGAIN_S = (0.1, 0.5)
_READ_BYTES = 65_536
# What waits in the socket is not yet on its way: the window counts it, memory must not.
_FULL_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shore:
    """Where the broker is; `ca` is the folder of the authority with the nodes' certificates."""

    host: str
    port: int
    ca: Path
    server_name: str = "gateway.local"
    heartbeat_s: int = 30
    # Without a gateway nobody acknowledges: a PUBACK counts as delivery then.
    puback_is_enough: bool = False


class FleetLink:
    """Keeps one connection up and sends what its nodes hold, until it is cancelled.

    `name` is the certificate's; one that is not a node's may speak for many, where the broker's
    list allows that.
    """

    def __init__(
        self,
        name: str,
        nodes: Sequence[SimNode],
        shore: Shore,
        on_free: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Keep the arguments; `run` connects."""
        self.connections = 0
        self.ready = asyncio.Event()
        self._name = name
        self._nodes = {node.id: node for node in nodes}
        self._shore = shore
        self._on_free = on_free
        self._topics = {
            (node.id, lane): node_topic(node.id, lane)
            for node in nodes
            for lane in ("alarm", "data")
        }
        self._session: Session | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._gateway_up = False
        self._waiting: dict[int, tuple[SimNode, tuple[int, int]]] = {}
        self._context: ssl.SSLContext | None = None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            with contextlib.suppress(OSError, MqttError, TimeoutError, EOFError):
                await self._connection()
            await asyncio.sleep(random.uniform(*_AGAIN_S))

    def pump(self) -> None:
        """Send what is due."""
        session, writer = self._session, self._writer
        if session is None or writer is None or not self._gateway_up:
            return
        if writer.transport.get_write_buffer_size() > _FULL_BYTES:
            return
        now_ms = _now_ms()
        pieces = [piece for node in self._nodes.values() for piece in self._due(node, now_ms)]
        if pieces:
            writer.write(b"".join(pieces))
            session.sent(now_ms)

    def _due(self, node: SimNode, now_ms: int) -> list[bytes]:
        session = self._session
        if session is None or not session.can_publish:
            return []
        pieces = []
        for held in node.due(now_ms):
            # What finds no place in the session is sent again when it is due.
            if session.can_publish:
                packet, data = session.publish(self._topics[node.id, held.lane], held.payload)
                pieces.append(data)
                if self._shore.puback_is_enough:
                    self._waiting[packet] = node, held.name
        return pieces

    async def _connection(self) -> None:
        self._context = self._context or self._tls()
        async with asyncio.timeout(_OPEN_S):
            reader, self._writer = await asyncio.open_connection(
                self._shore.host,
                self._shore.port,
                ssl=self._context,
                server_hostname=self._shore.server_name,
            )
        self._gateway_up = False
        self._waiting.clear()
        will = None
        if self._name in self._nodes:
            will = Will(node_topic(self._name, "status"), _OFFLINE, 1, True, 10)
        self._session = Session(self._name, clean_start=True, session_expiry_s=0, will=will)
        try:
            self._writer.write(self._session.connect())
            await self._read(reader, self._session, self._writer)
        finally:
            self._session = None
            self._writer.close()
            self._writer = None

    async def _read(
        self, reader: asyncio.StreamReader, session: Session, writer: asyncio.StreamWriter
    ) -> None:
        beat_ms = _now_ms() + self._shore.heartbeat_s * 1000
        while True:
            data = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TURN_S):
                    data = await reader.read(_READ_BYTES)
            if data == b"":
                raise EOFError
            for event in session.receive(data) if data else ():
                self._handle(event, session, writer)
            now_ms = _now_ms()
            if now_ms >= beat_ms and self.ready.is_set():
                beat_ms = now_ms + self._shore.heartbeat_s * 1000
                self._tell(session, writer)
            if ping := session.ping(now_ms):
                writer.write(ping)
            self.pump()

    def _handle(self, event: Any, session: Session, writer: asyncio.StreamWriter) -> None:
        if isinstance(event, Message):
            if event.packet_id:
                writer.write(session.acknowledge(event.packet_id))
            self._heard(event)
        elif isinstance(event, Connected):
            own = self._name in self._nodes
            ack = node_topic(self._name, "ack") if own else node_filter("ack")
            writer.write(session.subscribe([ack, GW_STATUS], qos=1)[1])
        elif isinstance(event, Subscribed):
            self.connections += 1
            self._restart()
            self._tell(session, writer)
            self._gateway_up = self._gateway_up or self._shore.puback_is_enough
            self.ready.set()
        elif self._shore.puback_is_enough and hasattr(event, "packet_id"):
            self._answered(event.packet_id)

    def _answered(self, packet: int) -> None:
        found = self._waiting.pop(packet, None)
        if found is not None:
            node, (boot, seq) = found
            self._on_free(node.acknowledge(node.epoch, boot, [[seq, seq]]))

    def _heard(self, message: Message) -> None:
        if message.topic == GW_STATUS:
            up = b"online" in message.payload
            if up and not self._gateway_up:
                self._restart()
            self._gateway_up = up
            return
        node = self._nodes.get(message.topic.split("/")[3])
        if node is not None:
            ack = json.loads(message.payload)
            self._on_free(node.acknowledge(ack["he"], ack["hb"], ack["s"]))

    def _restart(self) -> None:
        for node in self._nodes.values():
            node.restart()

    def _tell(self, session: Session, writer: asyncio.StreamWriter) -> None:
        unix_ms = time.time_ns() // 1_000_000
        for node in self._nodes.values():
            if not session.can_publish:
                return
            payload = node.status(unix_ms, self._shore.heartbeat_s)
            topic = node_topic(node.id, "status")
            writer.write(session.publish(topic, payload, retain=True)[1])

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._shore.ca / "ca.pem"))
        name = self._shore.ca / self._name
        context.load_cert_chain(f"{name}.pem", f"{name}.key")
        return context


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
