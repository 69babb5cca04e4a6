"""The socket at which `haidang-gateway node|alarm` reach the running gateway; one folder."""

import asyncio
import contextlib
import json
import logging
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from haidang_wire.errors import WireError

from haidang_gateway.clock import Clock
from haidang_gateway.commands import Wish
from haidang_gateway.control_request import LONGEST_WAIT_S, asked
from haidang_gateway.fleet.order import Order
from haidang_gateway.work import Said

_log = logging.getLogger(__name__)

__all__ = ("LONGEST_WAIT_S", "NAME", "Control", "OnOrder", "address")

NAME = "control"
_LINE_BYTES = 16 * 1024
_VISITORS = 8
_REQUEST_S = 5.0
_ERROR_LENGTH = 300
_OURS_ALONE = 0o177
# struct ucred of SO_PEERCRED: pid, uid, gid.
_CREDENTIALS = struct.Struct("3i")
# sockaddr_un holds 108 bytes.
_PATH_BYTES = 100

OnOrder = Callable[[Order | Wish], Awaitable[None]]


class Control:
    """Takes orders and acts of persons at this machine and hands them the answers.

    No network port: a Unix socket with mode 0600 in the data folder, so that only the service's
    user and root come in. `on_order` returns when what was asked for is durable.
    """

    def __init__(self, folder: Path, *, clock: Clock, on_order: OnOrder) -> None:
        """Store the arguments; `run` opens the socket."""
        self._folder = folder
        self._clock = clock
        self._on_order = on_order
        self._waiting: dict[str, asyncio.Queue[Said]] = {}
        self._visitors = 0

    async def run(self) -> None:
        """Serve until cancelled; without the socket the gateway works on, with a warning."""
        try:
            listener = _listener(self._folder)
        except OSError as error:
            _log.warning("nothing can be ordered at this machine: %s: %s", self._folder, error)
            return
        with contextlib.closing(listener):
            async with asyncio.TaskGroup() as group:
                server = await asyncio.start_unix_server(
                    lambda reader, writer: group.create_task(
                        self._visit(reader, writer), name="visitor of the control socket"
                    ),
                    sock=listener,
                    limit=_LINE_BYTES,
                )
                async with server:
                    await server.serve_forever()

    def answer(self, answer: Said) -> None:
        """Pass an answer on to whoever waits for it."""
        if queue := self._waiting.get(answer.to):
            queue.put_nowait(answer)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visitors += 1
        try:
            if self._visitors > _VISITORS:
                await _say(writer, _problem("too many others wait here", "try again later"))
            else:
                await self._serve(reader, writer)
        except OSError:
            _log.debug("a visitor of the control socket has gone")
        except Exception:  # noqa: BLE001 (one bad visit must not end the gateway)
            _log.exception("the control socket could not serve a visitor")
        finally:
            self._visitors -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_S):
                line = await reader.readline()
            item = asked(line, _visitor(writer), self._clock.now_ms())
        except (ValueError, RecursionError, WireError, TimeoutError) as error:
            err = f"not a readable request: {str(error)[:_ERROR_LENGTH]}"
            await _say(writer, _problem(err, "-h tells how to write it"))
            return
        if item.id in self._waiting:
            await _say(writer, _problem("this very id is being handled", "wait for its answer"))
            return
        queue: asyncio.Queue[Said] = asyncio.Queue()
        self._waiting[item.id] = queue
        try:
            await self._on_order(item)
            await _pass_on(queue, reader, writer)
        finally:
            del self._waiting[item.id]


async def _pass_on(
    queue: asyncio.Queue[Said], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Every answer up to the final one, as long as the visitor waits for it."""
    # One byte more than the request is no visitor of ours; what follows is never read.
    gone = asyncio.create_task(reader.read(1), name="end of a visit")
    try:
        while True:
            news = asyncio.create_task(queue.get(), name="answer for a visitor")
            try:
                await asyncio.wait((news, gone), return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    return
            finally:
                news.cancel()
            answer = news.result()
            await _say(writer, answer.said)
            if answer.final:
                return
    finally:
        gone.cancel()


async def _say(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    writer.write(json.dumps(said).encode() + b"\n")
    await writer.drain()


def _problem(err: str, hint: str) -> dict[str, Any]:
    return {"ok": False, "err": err, "hint": hint}


def _visitor(writer: asyncio.StreamWriter) -> str:
    """The account at the other end, as the kernel knows it."""
    peer = writer.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid = _CREDENTIALS.unpack(raw)[1]
    try:
        return f"account {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"account {uid}"


def _listener(folder: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # One left behind by a gateway that was killed; the store's lock says that none runs.
        (folder / NAME).unlink(missing_ok=True)
        before = os.umask(_OURS_ALONE)
        try:
            with address(folder) as path:
                listener.bind(path)
        finally:
            os.umask(before)
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def address(folder: Path) -> Iterator[str]:
    """The socket's path, by way of the open folder where it is too long for an address."""
    path = str(folder / NAME)
    if len(path.encode()) <= _PATH_BYTES:
        yield path
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)
