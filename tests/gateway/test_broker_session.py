"""The gateway's session with a real broker: taken over or misused, it is never the end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from gateway_kit import issue_all
from haidang_gateway.clock import Clock
from haidang_gateway.errors import BrokerRefused
from haidang_gateway.ingest.broker_session import BrokerSession, Identity
from haidang_gateway.redial import OWN_BROKER
from haidang_tools.brokers import Broker
from haidang_tools.fault_proxy import FaultProxy
from haidang_wire.mqtt5 import Message, Subscribed
from haidang_wire.session_events import Will
from mqtt_peer import Peer
from node_packs import NODE
from redial_kit import noted_pauses, pause_of_one_that_stood_s
from specimens import GATEWAY
from waiting import DEADLINE_S

_DATA = f"hd/1/n/{NODE}/data"


@pytest.fixture(scope="module")
def ca_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    issue_all(folder)
    return folder


class _Seen:
    """What a session has told, with waiting for it."""

    def __init__(self) -> None:
        self.messages: list[tuple[Message, int]] = []
        self.ups = 0
        self._news = asyncio.Event()

    def take(self, messages: Sequence[Message], connection: int) -> None:
        self.messages += [(message, connection) for message in messages]
        self._news.set()

    def change(self) -> None:
        self.ups += 1
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def _running(
    ca_dir: Path, port: int, filters: Sequence[str] = ("hd/1/n/+/data",)
) -> AsyncIterator[tuple[BrokerSession, _Seen]]:
    seen = _Seen()
    session = BrokerSession(
        Identity(
            name=GATEWAY,
            host="127.0.0.1",
            port=port,
            server_name="gateway.local",
            ca=ca_dir / "ca.pem",
            cert=ca_dir / f"{GATEWAY}.pem",
            key=ca_dir / f"{GATEWAY}.key",
        ),
        filters=filters,
        receive_maximum=10,
        will=Will("hd/1/gw/status", b'{"v":1,"state":"offline"}', 1, True, 0),
        clock=Clock(),
        on_messages=seen.take,
        on_change=seen.change,
    )
    task = asyncio.create_task(session.run(), name="session under test")
    try:
        yield session, seen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_a_taken_over_session_comes_back_and_never_raises(
    ca_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario(broker: Broker) -> None:
        async with _running(ca_dir, broker.port) as (session, seen):
            await seen.until(lambda: session.up)
            with Peer(ca_dir, NODE, broker.port) as node:
                await asyncio.to_thread(node.publish, _DATA, b"[]")
                await seen.until(lambda: bool(seen.messages))
            (message, connection) = seen.messages[0]
            with Peer(ca_dir, GATEWAY, broker.port):
                await seen.until(lambda: not session.up)
                assert session.publish("hd/1/gw/status", b"{}") is False
                session.acknowledge([message.packet_id], connection)
            await seen.until(lambda: session.up)
            # The id of an earlier connection names another message now, which is not committed.
            with Peer(ca_dir, NODE, broker.port) as node:
                await asyncio.to_thread(node.publish, _DATA, b"[]")
                await seen.until(lambda: len(seen.messages) == 2)
            (again, new_connection) = seen.messages[1]
            assert again.packet_id == message.packet_id
            session.acknowledge([message.packet_id], connection)
            session.acknowledge([again.packet_id], new_connection)
            assert "nothing to acknowledge" not in caplog.text
            session.acknowledge([999], session.connection)
            assert "nothing to acknowledge" in caplog.text
            assert session.publish("hd/1/gw/status", b"x" * 20_000) is False
            assert session.publish("hd/1/gw/status", b"{}") is True

    with Broker("gateway", ca_dir, tmp_path) as broker:
        asyncio.run(scenario(broker))
    assert "gw-01 has no connection to the broker" in caplog.text
    assert "connected again after" in caplog.text


@pytest.mark.parametrize("refuses", [True, False])
def test_a_broker_that_refuses_is_dialled_slowly_and_one_that_is_away_soon(
    ca_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    # Long: a session that is stopped in the midst of a dial leaves its socket to the collector.
    pauses = noted_pauses(monkeypatch, lasting_s=3600)

    async def scenario(port: int) -> None:
        async with _running(ca_dir, port if refuses else 1), asyncio.timeout(DEADLINE_S):
            while not pauses:  # noqa: ASYNC110 (told by a callback)
                await asyncio.sleep(0.01)

    with Broker("gateway", ca_dir, tmp_path, more="clientid_prefixes n-") as broker:
        asyncio.run(scenario(broker.port))
    assert 5 <= pauses[0] <= 10 if refuses else 0.25 <= pauses[0] <= 0.5


def test_a_broker_that_lets_us_hear_nothing_refuses_us(ca_dir: Path) -> None:
    async def scenario() -> None:
        async with _running(ca_dir, 1) as (session, _):
            with pytest.raises(BrokerRefused, match="access list"):
                session._subscribed(Subscribed(1, (1, 0x87)))
            assert not session.up

    asyncio.run(scenario())


def test_a_session_that_has_stood_is_dialled_soon_though_it_was_away_for_long_before(
    ca_dir: Path,
) -> None:
    async def scenario() -> float:
        async with _running(ca_dir, 1) as (session, _):
            taken = Subscribed(1, (1,))
            return pause_of_one_that_stood_s(session._redial, lambda: session._subscribed(taken))

    assert asyncio.run(scenario()) <= OWN_BROKER.first_s


def test_a_publish_that_nobody_was_there_for_is_told(ca_dir: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        unheard: list[str] = []
        with Broker("gateway", ca_dir, tmp_path / "broker") as broker:
            async with _running(ca_dir, broker.port) as (session, seen):
                await seen.until(lambda: session.up)
                session.on_unheard = unheard.append
                with Peer(ca_dir, NODE, broker.port) as node:
                    node.subscribe(f"hd/1/n/{NODE}/cmd")
                    assert session.publish(f"hd/1/n/{NODE}/cmd", b"{}")
                    await asyncio.to_thread(node.next)
                assert session.publish("hd/1/n/n-240ac4000002/cmd", b"{}")
                async with asyncio.timeout(DEADLINE_S):
                    while not unheard:  # noqa: ASYNC110 (told by a callback)
                        await asyncio.sleep(0.01)
        assert unheard == ["hd/1/n/n-240ac4000002/cmd"]

    asyncio.run(scenario())


def test_a_broker_that_reads_nothing_any_more_is_left_before_the_memory_is_full(
    ca_dir: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with Broker("gateway", ca_dir, tmp_path) as broker, FaultProxy(broker.port) as line:
            async with _running(ca_dir, line.port) as (session, seen):
                await seen.until(lambda: session.up)
                line.stall()
                held_bytes = 0
                # How much the kernel and the line take before is their affair.
                while session.up and held_bytes < 4 * 1024 * 1024:
                    session.publish("hd/1/gw/status", b"x" * 10_000, qos=0)
                    await asyncio.sleep(0)
                    if session._transport is not None:
                        held_bytes = session._transport.get_write_buffer_size()
                assert not session.up
                line.resume()
                await seen.until(lambda: session.up)

    asyncio.run(scenario())
