"""A TCP line that can be cut, mended, silenced and slowed: a digger, a radio cell, a bad modem."""

import asyncio
import contextlib
import threading
from typing import Self

_HOST = "127.0.0.1"
# Small enough for `bytes_per_s` to be felt piece by piece.
_PIECE_BYTES = 4096
_LEAST_PIECE_BYTES = 256
_PIECES_PER_S = 20
_ANSWER_S = 60.0
_UNDER_WAY = 1024
# Time of arrival in the loop's seconds, and the bytes; none: the end.
_Piece = tuple[float, bytes]
_FAST = 1e12
_LEAST_S = 0.001


class FaultProxy:
    """Forwards connections on loopback to `target_port`; runs in a thread of its own.

    While cut, open connections are reset and new ones are closed at once. `bytes_up` counts what
    was handed to the target, `connections` who dialled; `bytes_per_s` slows each way, None: not;
    `delay_s` holds every piece back and those behind it too, `latency_s` is the way's length:
    as much is under way as the rate allows.
    """

    def __init__(self, target_port: int) -> None:
        """Keep the port; `start` listens."""
        self.port = 0
        self.bytes_up = 0
        self.connections = 0
        self.bytes_per_s: int | None = None
        self.delay_s = 0.0
        self.latency_s = 0.0
        self._target_port = target_port
        self._up = True
        self._stalled = False
        self._forgotten = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._never = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)

    def start(self) -> None:
        """Listen on a free port, which `port` then names."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_ANSWER_S)

    def set_up(self, up: bool) -> None:
        """Cut the line, or mend it."""
        if up != self._up:
            asyncio.run_coroutine_threadsafe(self._switch(up), self._loop).result(_ANSWER_S)

    def stall(self) -> None:
        """Keep connections open but move no byte any more, as a line does that has gone silent."""
        self._stalled = True

    def forget(self) -> None:
        """Move no byte any more on what stands, as a restarted router does; new dials work."""
        self._forgotten += 1

    def resume(self) -> None:
        """End a stall: what stood is reset, new connections move again."""
        self._stalled = False
        asyncio.run_coroutine_threadsafe(self._switch(False), self._loop).result(_ANSWER_S)
        self.set_up(True)

    def stop(self) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, _HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if not self._up:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(_HOST, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        ways = (
            asyncio.create_task(self._carry(reader, far_writer, up=True), name="up"),
            asyncio.create_task(self._carry(far_reader, writer, up=False), name="down"),
        )
        self._tasks.update(ways)
        self._writers.update((writer, far_writer))
        try:
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._tasks.difference_update(ways)
            self._writers.difference_update((writer, far_writer))
            for end in (writer, far_writer):
                end.close()

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool
    ) -> None:
        # What has left one end and not reached the other, with its time of arrival.
        under_way: asyncio.Queue[_Piece] = asyncio.Queue(_UNDER_WAY)
        arrivals = asyncio.create_task(self._arrive(under_way, sink, up=up), name="arrivals")
        free_s, born = 0.0, self._forgotten
        try:
            while piece := await source.read(self._piece_bytes()):
                if self._stalled or born != self._forgotten:
                    await self._never.wait()
                # Of the line's time, not of the sleeps': those are longer on a busy machine.
                now_s = self._loop.time()
                free_s = max(free_s, now_s) + len(piece) / (self.bytes_per_s or _FAST)
                pause_s = self.delay_s + free_s - now_s
                if pause_s >= _LEAST_S:
                    await asyncio.sleep(pause_s)
                await under_way.put((max(free_s, now_s) + self.latency_s, piece))
            await under_way.put((0.0, b""))
            await arrivals
        except OSError:
            sink.transport.abort()
        finally:
            arrivals.cancel()

    async def _arrive(
        self,
        under_way: asyncio.Queue[_Piece],
        sink: asyncio.StreamWriter,
        *,
        up: bool,
    ) -> None:
        while (due := await under_way.get())[1]:
            at_s, piece = due
            if (wait_s := at_s - self._loop.time()) >= _LEAST_S:
                await asyncio.sleep(wait_s)
            try:
                sink.write(piece)
                await sink.drain()
                self.bytes_up += len(piece) if up else 0
            except OSError:
                sink.transport.abort()
        with contextlib.suppress(OSError):
            sink.write_eof()

    def _piece_bytes(self) -> int:
        if self.bytes_per_s is None:
            return _PIECE_BYTES
        return min(_PIECE_BYTES, max(_LEAST_PIECE_BYTES, self.bytes_per_s // _PIECES_PER_S))

    async def _switch(self, up: bool) -> None:
        self._up = up
        if not up:
            self._abort_all()

    def _abort_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        self._abort_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        # Transports say goodbye in the loop's next rounds.
        for _ in range(3):
            await asyncio.sleep(0)
