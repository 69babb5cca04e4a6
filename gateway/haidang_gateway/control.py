"""The socket at which `haidang-gateway node` reaches the running gateway; one folder, one user."""

import asyncio
import contextlib
import json
import logging
import os
import pwd
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from haidang_wire import messages
from haidang_wire.errors import WireError

from haidang_gateway.clock import Clock
from haidang_gateway.fleet.order import Answer, Order

_log = logging.getLogger(__name__)

NAME = "control"
LONGEST_WAIT_S = 3600
_LINE_BYTES = 16 * 1024
_VISITORS = 8
_REQUEST_S = 5.0
_NAME_LENGTH = 40
_OURS_ALONE = 0o177
# struct ucred of SO_PEERCRED: pid, uid, gid.
_CREDENTIALS = struct.Struct("3i")
# sockaddr_un holds 108 bytes.
_PATH_BYTES = 100

OnOrder = Callable[[Order], Awaitable[None]]


class Control:
    """Takes orders of technicians at this machine and hands them the answers.

    No network port: a Unix socket with mode 0600 in the data folder, so that only the service's
    user and root come in. `on_order` returns when the order is durable.
    """

    def __init__(self, folder: Path, *, clock: Clock, on_order: OnOrder) -> None:
        """Store the arguments; `run` opens the socket."""
        self._folder = folder
        self._clock = clock
        self._on_order = on_order
        self._waiting: dict[str, asyncio.Queue[Answer]] = {}
        self._visitors = 0

    async def run(self) -> None:
        """Serve until cancelled; without the socket the gateway works on, with a warning."""
        try:
            listener = _listener(self._folder)
        except OSError as error:
            _log.warning("no orders can be given at this machine: %s: %s", self._folder, error)
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

    def answer(self, answer: Answer) -> None:
        """Pass an answer on to whoever waits for it."""
        if queue := self._waiting.get(answer.order.id):
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
            order = _order(line, _visitor(writer), self._clock.now_ms())
        except (ValueError, RecursionError, WireError, TimeoutError) as error:
            await _say(
                writer, _problem(f"not a readable request: {error}", "compare the versions")
            )
            return
        queue: asyncio.Queue[Answer] = asyncio.Queue()
        self._waiting[order.id] = queue
        try:
            await self._on_order(order)
            await _pass_on(queue, reader, writer)
        finally:
            del self._waiting[order.id]


async def _pass_on(
    queue: asyncio.Queue[Answer], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
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


def _order(line: bytes, visitor: str, now_ms: int) -> Order:
    """The order in a request; ValueError or WireError says what is wrong."""
    request = json.loads(line)
    wait_s = request.get("wait_s") if isinstance(request, dict) else None
    if not isinstance(wait_s, int) or not 1 <= wait_s <= LONGEST_WAIT_S:
        raise ValueError(f"wait_s must be 1 to {LONGEST_WAIT_S}")
    order_id = f"t-{secrets.token_hex(6)}"
    exp_ms = now_ms + wait_s * 1000
    wish = {name: request.get(name) for name in ("node", "do", "args")}
    command = {"id": order_id, "do": "node_cmd", "exp_ms": exp_ms, "args": wish}
    messages.check("centre_cmd", command)
    return Order(
        id=order_id,
        origin="local",
        by=f"{str(request.get('by', '?'))[:_NAME_LENGTH]} ({visitor})",
        node=request["node"],
        do=request["do"],
        args=request["args"],
        exp_ms=exp_ms,
    )


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
