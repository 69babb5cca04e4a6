"""The socket for technicians: who comes in, who is sent away, and what a terminal is shown."""

import asyncio
import contextlib
import json
import socket
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import FakeClock
from haidang_gateway import node_cli
from haidang_gateway.__main__ import main
from haidang_gateway.commands import Wish
from haidang_gateway.control import Control
from haidang_gateway.fleet.order import Order
from haidang_gateway.work import Said
from node_packs import NODE, START_MS
from waiting import DEADLINE_S

_REQUEST = json.dumps({"node": NODE, "do": "log", "args": {}, "wait_s": 60, "by": "Lan"}).encode()


class _Gateway:
    """A control socket whose orders are noted and never answered by themselves."""

    def __init__(self, folder: Path) -> None:
        self.orders: list[Order | Wish] = []
        self.writers: list[asyncio.StreamWriter] = []
        self._came = asyncio.Semaphore(0)
        self.folder = folder
        self.control = Control(folder, clock=FakeClock(START_MS), on_order=self._note)  # type: ignore[arg-type]

    async def _note(self, order: Order | Wish) -> None:
        self.orders.append(order)
        self._came.release()

    async def visit(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(str(self.folder / "control"))
        self.writers.append(writer)
        return reader, writer

    async def wait_order(self) -> None:
        await self._came.acquire()


@contextlib.asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[_Gateway]:
    gateway = _Gateway(folder)
    running = asyncio.create_task(gateway.control.run(), name="control")
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await asyncio.sleep(0.01)
                if (folder / "control").is_socket():
                    break
            yield gateway
    finally:
        for writer in gateway.writers:
            writer.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_visitor_who_goes_on_talking_is_sent_away_and_fills_no_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path) as gateway:
            reader, writer = await gateway.visit()
            writer.write(_REQUEST + b"\n")
            await gateway.wait_order()
            writer.write(bytes(8_000_000))
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises(ConnectionError):
                    await writer.drain()  # who reads it all would let this end well
                assert await _rest(reader) == b""

    asyncio.run(scenario())


async def _rest(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


def test_only_so_many_wait_at_once_and_a_place_is_free_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path) as gateway:
            for _ in range(8):
                _, writer = await gateway.visit()
                writer.write(_REQUEST + b"\n")
                await gateway.wait_order()
            reader, _ = await gateway.visit()
            assert "too many others" in json.loads(await reader.readline())["err"]
            gateway.writers[0].close()
            ordered = asyncio.create_task(gateway.wait_order(), name="an order")
            async with asyncio.timeout(DEADLINE_S):
                while not ordered.done():
                    # The place is free once the gateway has seen that the visitor went.
                    reader, writer = await gateway.visit()
                    writer.write(_REQUEST + b"\n")
                    answered = asyncio.create_task(reader.readline(), name="an answer")
                    await asyncio.wait({ordered, answered}, return_when=asyncio.FIRST_COMPLETED)
                order = gateway.orders[-1]
                gateway.control.answer(Said(order.id, {"ok": True}))
                assert json.loads(await answered) == {"ok": True}

    asyncio.run(scenario())


def test_a_link_in_its_place_is_replaced_and_what_it_points_at_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    (tmp_path / "control").symlink_to(precious)

    async def scenario() -> None:
        async with _open(tmp_path):
            path = tmp_path / "control"
            assert not path.is_symlink()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(scenario())
    assert precious.read_text() == "x"


@contextlib.contextmanager
def _answering(folder: Path, *answers: dict[str, object]) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "control"))
        listener.listen()

        def serve() -> None:
            visitor, _ = listener.accept()
            with visitor, visitor.makefile("rb") as request:
                request.readline()
                for answer in answers:
                    visitor.sendall(json.dumps(answer).encode() + b"\n")

        server = threading.Thread(target=serve, name="stand-in control socket")
        server.start()
        try:
            yield
        finally:
            server.join(DEADLINE_S)


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True, "out": {"lines": ["7/ 61234 W link: \x1b]0;owned\x07\x9b2J"]}},
        {"ok": True, "out": {"why\x9b2J": "\x1b[2J"}},
        {"ok": False, "err": "broken\x1b[2J\rfine", "hint": "\x9b2J"},
    ],
)
def test_no_node_steers_the_terminal_of_a_technician(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: dict[str, object],
    options: list[str],
) -> None:
    monkeypatch.setattr(node_cli, "load", lambda _path: SimpleNamespace(data_dir=tmp_path))
    with _answering(tmp_path, answer):
        assert main(["node", NODE, "log", *options]) == (0 if answer["ok"] else 1)
    told = capsys.readouterr().out
    assert told.strip()
    assert [line for line in told.split("\n") if line and not line.isprintable()] == []


def test_a_technician_gets_a_sheet_to_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = SimpleNamespace(data_dir=tmp_path, places=(), nodes=(), timezone="Asia/Ho_Chi_Minh")
    monkeypatch.setattr(node_cli, "load", lambda _path: settings)
    smoke = {"ok": True, "health": "ok", "checks": [["health", True, "ok"]], "now": {}}
    out = {"fw": "0.1.0\x9b2J", "sensors": {"smoke": smoke}}
    with _answering(tmp_path, {"ok": True, "out": out}):
        assert main(["node", NODE, "selftest", "--sheet", "vi"]) == 0
    told = capsys.readouterr().out
    assert "KẾT LUẬN: ĐẠT" in told
    assert "+0700" in told
    assert [line for line in told.split("\n") if line and not line.isprintable()] == []
    assert main(["node", NODE, "log", "--sheet", "en"]) == 1
    assert "log has no sheet" in capsys.readouterr().err
