"""A TCP proxy for tests: a line that can be cut, stall, or be slow, and come back."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Self

_PIECE_BYTES = 4096


class Proxy:
    """Forwards connections on its own `port` to `target_port`; an async context manager."""

    def __init__(self, target_port: int, host: str = "127.0.0.1") -> None:
        self.port = 0
        self.connections = 0
        self.bytes_per_s: int | None = None
        self._host = host
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._up = True
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._up = False
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Keep connections open but move no byte, as a line does that has gone silent."""
        self._flows.clear()

    def resume(self) -> None:
        """Work again after `cut` or `stall`."""
        self._up = True
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        if not self._up:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        try:
            there, here = await asyncio.open_connection(self._host, self._target_port)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(here)
        self._start(self._pump(reader, here))
        self._start(self._pump(there, writer))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="proxy")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_PIECE_BYTES):
                await self._flows.wait()
                if self.bytes_per_s:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(OSError):
                writer.transport.abort()
