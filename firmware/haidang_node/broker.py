"""One TLS connection to the broker: asyncio streams around the contract's MQTT 5 session."""

import asyncio
import gc

from micropython import const

from haidang_node.errors import LinkError
from haidang_wire.session import Session

_CONNECT_MS = const(15000)
_SEND_MS = const(10000)
_STEP_MS = const(10)
_ANSWER_MS = const(10000)
# A broker that answers pings but no publish would keep every pack waiting for ever.
_PUBACK_MS = const(20000)
_READ_BYTES = const(512)
# What a broken connection raises: sockets and TLS, the end of a stream, the codec, a full heap.
_FAILURES = (OSError, EOFError, ValueError, MemoryError, asyncio.TimeoutError)


class Connection:
    """One connection, from open() to close(); a reconnect makes a new one.

    on_event takes what the session reports; it runs in the reader's task and must not wait.
    All failures are LinkError.
    """

    def __init__(self, settings: dict, context, session: Session, on_event) -> None:
        self._settings = settings
        self._context = context
        self._session = session
        self._on_event = on_event
        self._writer = None
        self._draining = False
        self._task = None
        self._answered = asyncio.Event()
        self._awaited = None
        self._answers: list = []
        self._owed: list[int] = []
        # When the broker last had room for another publish.
        self._free_ms = -1
        self.failure = None

    async def open(self) -> None:
        """TCP, TLS, CONNECT and its answer."""
        from haidang_wire.session_events import Connected

        # The handshake needs the largest pieces of memory: give it all there is.
        gc.collect()
        settings = self._settings
        try:
            reader, self._writer = await asyncio.wait_for_ms(
                asyncio.open_connection(
                    settings["host"],
                    settings["port"],
                    ssl=self._context,
                    server_hostname=settings["server_name"],
                ),
                _CONNECT_MS,
            )
            self._expect(Connected)
            await self._send(self._session.connect())
        except _FAILURES as error:
            raise _translated("connecting to the broker", error)
        # Stored so that close() can cancel and await it.
        self._task = asyncio.create_task(self._read(reader))
        await self._await_answer()

    async def subscribe(self, filters: list[str]) -> None:
        """Subscribes with QoS 1 and waits for the broker's word."""
        from haidang_wire.session_events import Subscribed

        self._expect(Subscribed)
        await self._say("subscribing", self._session.subscribe, filters)
        answer = await self._await_answer()
        if max(answer.reasons) >= 0x80:
            raise LinkError("the broker refused a subscription: check its access list")

    async def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> int:
        """Sends; the packet id of a QoS 1 message, 0 otherwise."""
        # With what is owed in one piece, made in one step: there is little room for large ones.
        owed = self._acknowledgements()
        publish = self._session.publish
        return await self._say("publishing", publish, topic, payload, qos, retain, None, owed)

    async def acknowledge(self, packet_id: int) -> None:
        """PUBACK of an incoming message, at once."""
        await self._say("acknowledging", self._session.acknowledge, packet_id)

    def owe(self, packet_id: int) -> None:
        """PUBACK of an incoming message, together with the next packet or by settle().

        Alone it would hold the next packet back for 40 ms: TCP keeps a second small segment until
        the first is confirmed, and a receiver with nothing to say takes its time with that.
        """
        self._owed.append(packet_id)

    async def settle(self) -> None:
        """Sends what is owed; call where nothing else is sent."""
        if self._owed:
            await self.acknowledge(self._owed.pop(0))

    async def keep_alive(self, now_ms: int) -> None:
        """Pings when due, notes a broken connection; call about every second."""
        if self._session.can_publish or self._free_ms < 0:
            self._free_ms = now_ms
        elif now_ms - self._free_ms > _PUBACK_MS and not self.failure:
            self.failure = EOFError("the broker acknowledges nothing any more")
        await self._say("keeping the connection", self._session.ping, now_ms)

    @property
    def can_publish(self) -> bool:
        """Whether the broker takes another QoS 1 message now."""
        return self._session.can_publish

    async def _say(self, doing: str, make, *args):
        # `make` gives the bytes to send, with the packet id before them where there is one.
        if self.failure:
            raise _translated("connection lost", self.failure)
        try:
            made = make(*args)
            packet_id, data = made if isinstance(made, tuple) else (0, made)
            if data:
                if self._owed:
                    data = self._acknowledgements() + data
                await self._send(data)
        except _FAILURES as error:
            raise _translated(doing, error)
        return packet_id

    def _acknowledgements(self) -> bytes:
        owed, self._owed = self._owed, []
        return b"".join([self._session.acknowledge(other) for other in owed])

    async def close(self, orderly: bool = False) -> None:
        """Ends the connection and the reader; orderly sends DISCONNECT, so no last will."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                # Wanted: this is how a task of ours ends.
                self._answered.clear()
        if self._writer is None:
            return
        try:
            if orderly and not self.failure:
                await self._send(self._session.disconnect())
            self._writer.close()
            await self._writer.wait_closed()
        except _FAILURES as error:
            self.failure = self.failure or error

    async def _send(self, data: bytes) -> None:
        if self._writer is None:
            raise LinkError("not connected")
        rest = self._offer(self._writer, data)
        if rest is not None:
            await asyncio.wait_for_ms(self._drain(self._writer, rest), _SEND_MS)

    def _offer(self, writer, data: bytes) -> bytes | None:
        # Nearly always the socket takes all of it: None, there is nothing to wait for. Otherwise
        # what drain() must still write, beside what the stream holds.
        if self._draining or writer.out_buf:
            return data
        writer.write(data)
        return b"" if writer.out_buf else None

    async def _drain(self, writer, data: bytes) -> None:
        # MicroPython's drain() forgets what another task wrote meanwhile. No asyncio.Lock: it is
        # a module of its own in memory.
        while self._draining:
            await asyncio.sleep_ms(_STEP_MS)
        self._draining = True
        try:
            if data:
                writer.write(data)
            await writer.drain()
        finally:
            self._draining = False

    async def _read(self, reader) -> None:
        buffer = bytearray(_READ_BYTES)
        view = memoryview(buffer)
        try:
            while True:
                count = await reader.readinto(buffer)
                if count is None:
                    # Part of a TLS record has come: there is nothing to read yet.
                    continue
                if not count:
                    raise EOFError("the broker closed the connection")
                event = None
                for event in self._session.receive(view[:count]):
                    self._deliver(event)
                if event and self._session.agreed is None:
                    # Its FIN may be lost, and a closed session neither sends nor pings.
                    raise EOFError("the broker said goodbye (0x%02x)" % event.reason)
        except _FAILURES as error:
            self.failure = error
            self._answered.set()
            self._on_event(None)

    def _deliver(self, event) -> None:
        if self._awaited and isinstance(event, self._awaited):
            self._answers.append(event)
            self._awaited = None
            self._answered.set()
        self._on_event(event)

    def _expect(self, kind) -> None:
        self._answered.clear()
        self._awaited = kind

    async def _await_answer(self):
        try:
            await asyncio.wait_for_ms(self._answered.wait(), _ANSWER_MS)
        except asyncio.TimeoutError:
            raise LinkError("the broker did not answer within %d ms" % _ANSWER_MS)
        if self.failure:
            raise _translated("the broker", self.failure)
        return self._answers.pop()


def _translated(doing: str, error: Exception) -> LinkError:
    if isinstance(error, asyncio.TimeoutError):
        return LinkError("%s took too long" % doing)
    return LinkError("%s: %s" % (doing, error or "closed"))
