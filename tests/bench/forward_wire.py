"""One MQTT 5 connection at the least cost, so that a bench measures what lies between its ends."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from haidang_wire.packets import Pingreq, Publish, encode
from haidang_wire.packets_opening import Connect, Subscribe

_PUBLISH, _PUBACK, _CONNACK, _SUBACK = 3, 4, 2, 9
_SESSION_EXPIRY, _RECEIVE_MAXIMUM = 0x11, 0x21
_MANY = 1000
_KEEPALIVE_S = 60
_SERVER_NAME = "gateway.local"
_PING = encode(Pingreq())


def published(topic: str, payload: bytes, packet_id: int, *, retain: bool = False) -> bytes:
    """A PUBLISH with QoS 1."""
    return encode(Publish(topic, payload, 1, retain, False, packet_id, {}))


def tls(ca: Path, name: str) -> ssl.SSLContext:
    """The authority's certificate and the name's own."""
    context = ssl.create_default_context(cafile=str(ca / "ca.pem"))
    context.load_cert_chain(ca / f"{name}.pem", ca / f"{name}.key")
    return context


class WireEnd(asyncio.Protocol):
    """Connects, subscribes with QoS 1, confirms what comes; `ready` and `gone` say how it stands.

    lasting: the session outlives its connection. Subclasses take messages and PUBACKs; what they
    put into `out` goes out in one write after each piece of input.
    """

    def __init__(self, name: str, filters: list[str], *, lasting: bool = False) -> None:
        """Store the arguments."""
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()
        self.out: list[bytes] = []
        self._name = name
        self._filters = filters
        self._lasting = lasting
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    async def connect(self, context: ssl.SSLContext, port: int) -> None:
        """Open the connection; OSError."""
        await asyncio.get_running_loop().create_connection(
            lambda: self, "127.0.0.1", port, ssl=context, server_hostname=_SERVER_NAME
        )

    async def opened(self) -> None:
        """Wait until it has subscribed; OSError where it is hung up before."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.ready, self.gone)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self.ready.is_set():
            raise ConnectionResetError(f"{self._name}: the broker hung up")

    def close(self) -> None:
        """Hang up at once; a turn of the loop later nothing is left."""
        if self._transport is not None:
            self._transport.abort()

    def read(self, on: bool) -> None:
        """Read on, or nothing more, as a program does that is stopped."""
        if self._transport is not None:
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def ping(self) -> None:
        """Show that it lives."""
        self.write(_PING)

    def write(self, data: bytes) -> None:
        """Send now, in a TLS record of its own."""
        if self._transport is not None:
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a stream"
        self._transport = transport
        properties = {_SESSION_EXPIRY: 3600 if self._lasting else 0, _RECEIVE_MAXIMUM: _MANY}
        self.write(
            encode(
                Connect(self._name, not self._lasting, _KEEPALIVE_S, None, None, None, properties)
            )
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data if self._rest else data
        at, size = 0, len(buffer)
        while size - at >= 2:
            body, length, shift = at + 1, 0, 0
            while body < size:
                byte = buffer[body]
                body += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            else:
                break
            if body + length > size:
                break
            self._packet(buffer[at], buffer, body, body + length)
            at = body + length
        self._rest = buffer[at:]
        self.taken()
        if self.out:
            self.write(b"".join(self.out))
            self.out.clear()

    def on_message(self, topic: bytes, payload: bytes) -> None:
        """A message has come; it is confirmed already."""

    def on_puback(self, packet_id: int) -> None:
        """The broker has a packet."""

    def taken(self) -> None:
        """All of a piece of input has been taken."""

    def _packet(self, first: int, buffer: bytes, at: int, end: int) -> None:
        kind = first >> 4
        if kind == _PUBACK:
            self.on_puback(buffer[at] << 8 | buffer[at + 1])
        elif kind == _PUBLISH:
            body = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            topic = buffer[at + 2 : body]
            if first & 0x06:
                self.out.append(b"\x40\x02" + buffer[body : body + 2])
                body += 2
            # Properties of brokers' own are none or short: one byte says how many.
            body += 1 + buffer[body]
            self.on_message(topic, buffer[body:end])
        elif kind == _CONNACK:
            if buffer[at + 1]:
                raise ConnectionRefusedError(f"{self._name}: reason {buffer[at + 1]}")
            self.write(encode(Subscribe(65_535, [(name, 1) for name in self._filters])))
        elif kind == _SUBACK:
            self.ready.set()


async def kept(
    connect: Callable[[], Awaitable[WireEnd]], again_s: float, ping_s: float = 20.0
) -> None:
    """Connect, ping, and connect again where it is lost, until cancelled."""
    while True:
        end = None
        try:
            end = await connect()
            while True:
                try:
                    async with asyncio.timeout(ping_s):
                        await end.gone.wait()
                    break
                except TimeoutError:
                    end.ping()
        except OSError:
            pass
        finally:
            if end is not None:
                end.close()
        await asyncio.sleep(again_s)
