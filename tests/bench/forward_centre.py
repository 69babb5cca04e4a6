"""The centre's end of a forwarding bench: counts packs as fast as they come, acknowledges them.

In memory alone, for every contender the same: what is measured is the way there.
"""

import asyncio
import contextlib
import ssl
import time
from pathlib import Path
from typing import Any

import msgspec
from haidang_wire import ranges
from haidang_wire.mqtt5 import Connected, Message, Session, Subscribed

_READ_BYTES = 65_536
_OWN = "hd/1/g/"


class _First(msgspec.Struct):
    he: str
    hb: int
    hs: int
    bn: str


class _Packs(msgspec.Struct):
    id: str
    packs: list[tuple[Any, ...]]


_DECODE = msgspec.json.Decoder(_Packs)
_PACK = msgspec.json.Decoder(tuple[_First, Any, Any])


class CountingCentre:
    """Subscribes as the centre; `names` are the packs that came, `copies` those that came again.

    `alarms` are (arrival on the steady clock in s, topic, payload) of alarm messages.
    """

    def __init__(self, ca: Path, port: int, filters: list[str]) -> None:
        self.names: set[tuple[str, str, int, int]] = set()
        self.copies = 0
        self.last_s = 0.0
        self.alarms: list[tuple[float, str, bytes]] = []
        self.ready = asyncio.Event()
        self._ca = ca
        self._port = port
        self._filters = filters
        self._acks: dict[tuple[str, str], list[list[int]]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        context = ssl.create_default_context(cafile=str(self._ca / "ca.pem"))
        context.load_cert_chain(self._ca / "centre-01.pem", self._ca / "centre-01.key")
        while True:
            with contextlib.suppress(OSError):
                await self._connection(context)
            await asyncio.sleep(0.2)

    async def _connection(self, context: ssl.SSLContext) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=context, server_hostname="gateway.local"
        )
        session = Session(
            "centre-01",
            clean_start=True,
            session_expiry_s=0,
            receive_maximum=1000,
            maximum_packet_bytes=1 << 20,
        )
        try:
            writer.write(session.connect())
            while data := await self._some(reader, session, writer):
                out = [self._event(event, session) for event in session.receive(data)]
                out += self._answers(session)
                writer.write(b"".join(out))
        finally:
            writer.close()

    async def _some(
        self, reader: asyncio.StreamReader, session: Session, writer: asyncio.StreamWriter
    ) -> bytes:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    return await reader.read(_READ_BYTES)
            if ping := session.ping(time.monotonic_ns() // 1_000_000):
                writer.write(ping)

    def _event(self, event: Any, session: Session) -> bytes:
        if isinstance(event, Message):
            self._message(event)
            return bytes(session.acknowledge(event.packet_id)) if event.packet_id else b""
        if isinstance(event, Connected):
            return bytes(session.subscribe(self._filters, qos=1)[1])
        if isinstance(event, Subscribed):
            self.ready.set()
        return b""

    def _message(self, message: Message) -> None:
        if not message.topic.startswith(_OWN):
            first = _PACK.decode(message.payload)[0]
            self._note(first.bn, first.he, first.hb, first.hs)
            return
        if "/alarm/" in message.topic:
            self.alarms.append((time.monotonic(), message.topic, message.payload))
            (gateway, epoch, seq) = message.payload[7:].split(b'"', 1)[0].decode().split("/")
        else:
            document = _DECODE.decode(message.payload)
            for pack in document.packs:
                first = pack[0]
                self._note(first["bn"], first["he"], first["hb"], first["hs"])
            gateway, epoch, seq = document.id.split("/")
        ranges.add(self._acks.setdefault((gateway, epoch), []), int(seq))

    def _note(self, *name: Any) -> None:
        if name in self.names:
            self.copies += 1
        else:
            self.names.add(name)
            self.last_s = time.monotonic()

    def _answers(self, session: Session) -> list[bytes]:
        pieces = []
        for (gateway, epoch), received in self._acks.items():
            ack = msgspec.json.encode({"epoch": epoch, "s": received[:256]})
            pieces.append(session.publish(f"hd/1/g/{gateway}/ack", ack)[1])
        self._acks.clear()
        return pieces
