"""The bytes of one connection to the gateway's broker, handed over as they come."""

import asyncio
from collections.abc import Callable

from haidang_gateway.errors import BrokerError

_READ_BYTES = 65_536


class BrokerLine(asyncio.BufferedProtocol):
    """Calls `on_data(data)` for whatever has come; `end` returns when nothing comes any more.

    A stream would copy each TLS record twice, of which mosquitto makes one for each packet, and
    wake a task for each piece.
    """

    def __init__(self, on_data: Callable[[bytes], None]) -> None:
        """Keep the argument; its errors end the line."""
        self.transport: asyncio.Transport | None = None
        self._on_data = on_data
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._ended = asyncio.Event()
        self._error: BaseException | None = None

    async def end(self) -> None:
        """Wait for the end of the line; raises what ended it."""
        await self._ended.wait()
        raise self._error or BrokerError("the broker closed the connection")

    @property
    def has_ended(self) -> bool:
        """Whether `end` would raise now."""
        return self._ended.is_set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport), "a stream"
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to put what comes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So much has come."""
        if self._ended.is_set():
            return
        try:
            self._on_data(bytes(self._buffer[:nbytes]))
        except Exception as error:  # noqa: BLE001 (it is raised again in `end`)
            self._finish(error)

    def eof_received(self) -> None:
        """The broker says no more; the transport closes."""
        self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more."""
        self._finish(exc)

    def _finish(self, error: Exception | None) -> None:
        if not self._ended.is_set():
            self._error = error
            self._ended.set()
