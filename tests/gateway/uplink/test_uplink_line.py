"""From the store to the centre over real brokers: cut, stalled, killed, and nothing lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Batch, Draft
from haidang_gateway.clock import Clock
from haidang_gateway.errors import UplinkError
from haidang_gateway.model import Lane
from haidang_gateway.settings import CentreSettings, StoreSettings
from haidang_gateway.store import Store
from haidang_gateway.uplink.centre import CentreClient
from haidang_gateway.uplink.forwarder import Forwarder
from haidang_tools.brokers import Broker, certificates
from haidang_wire import messages
from haidang_wire.documents import wrap_alarm, wrap_packs
from mqtt_peer import Peer
from proxy import Proxy
from running_centre import RunningCentre
from specimens import EPOCH, alarm_document, pack

_DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("uplink") / "ca"
    certificates(path, "gw-01", "gw-02", "centre-01", "broker-centre")
    return path


@pytest.fixture
def broker(ca: Path, tmp_path: Path) -> Broker:
    """Not started; a test that starts it also ends it."""
    return Broker("centre", ca, tmp_path / "broker")


class Uplink:
    """Store, client and forwarder as the gateway runs them."""

    def __init__(self, ca: Path, folder: Path, port: int, name: str = "gateway.local") -> None:
        clock = Clock()
        self.store = Store(folder / "store", "gw-01", StoreSettings())
        settings = CentreSettings(
            host="127.0.0.1",
            port=port,
            server_name=name,
            ca=ca / "ca.pem",
            cert=ca / "gw-01.pem",
            key=ca / "gw-01.key",
            batch_s=1.0,
        )
        self.client = CentreClient(settings, "gw-01", clock, self._heard)
        self.forwarder = Forwarder(self.store, self.client, clock)
        self.commands: list[bytes] = []
        self._made = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.store.open(1_764_000_000_000)
        tasks = [
            asyncio.create_task(part.run(), name=type(part).__name__)
            for part in (self.client, self.forwarder)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()
            assert all(isinstance(result, asyncio.CancelledError) for result in results), results

    async def make(self, lane: Lane, count: int = 1) -> None:
        """Commit messages and wake the forwarder, as the pipeline does."""
        for _ in range(count):
            self._made += 1
            draft = _alarm_draft(self._made) if lane == "alarm" else _DATA
            await self.store.commit(Batch(now_ms=1_764_000_000_000, drafts=(draft,)))
        self.forwarder.wake()

    async def emptied(self) -> None:
        """Wait until the store holds nothing for the centre."""
        deadline = asyncio.get_running_loop().time() + _DEADLINE_S
        while (backlog := await self.store.backlog(CENTRE)).alarms + backlog.data:
            assert asyncio.get_running_loop().time() < deadline, backlog
            await asyncio.sleep(0.01)

    async def _heard(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/ack"):
            await self.forwarder.acknowledge(payload)
        else:
            self.commands.append(payload)


async def until(look: Callable[[], object], what: str) -> None:
    """Wait for a condition while the loop runs; AssertionError that names it."""
    deadline = asyncio.get_running_loop().time() + _DEADLINE_S
    while not look():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.01)


def _alarm_draft(number: int) -> Draft:
    document = alarm_document(number=number)
    return Draft(
        destination=CENTRE,
        lane="alarm",
        topic=f"hd/1/g/gw-01/alarm/gw-01-{EPOCH}-{number:04d}",
        compose=lambda message_id: bytes(wrap_alarm(message_id, document)),
    )


_DATA = Draft(
    destination=CENTRE,
    lane="data",
    topic="hd/1/g/gw-01/data",
    compose=lambda message_id: bytes(wrap_packs(message_id, [pack(1)])),
)


def test_messages_reach_the_centre_in_order_and_leave_the_store_only_then(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = Uplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.make("data", 150)
            await until(lambda: uplink.client.unheard > 20, "the broker has messages for nobody")
            assert (await uplink.store.backlog(CENTRE)).data == 150
            with RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
                await uplink.emptied()
                assert sorted(centre.numbers()) == list(range(1, 151))
                assert centre.ledger.gaps() == {}

    with broker:
        asyncio.run(scenario())


def test_an_alarm_overtakes_a_backlog_on_a_slow_line(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Proxy(broker.port) as line:
            uplink = Uplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.bytes_per_s = 40_000
                await uplink.make("data", 100)
                await until(lambda: len(centre.numbers()) > 5, "data flows")
                await uplink.make("alarm")
                await until(lambda: 101 in centre.numbers(), "the alarm has arrived")
                waited = len(centre.numbers())
                line.bytes_per_s = None
                await uplink.emptied()
                assert waited < 90
                assert sorted(centre.numbers()) == list(range(1, 102))

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())


def test_a_cut_line_loses_nothing_and_doubles_nothing(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Proxy(broker.port) as line:
            uplink = Uplink(ca, tmp_path, line.port)
            async with uplink.running():
                for _ in range(3):
                    await until(uplink.client.connected.is_set, "connected")
                    await uplink.make("data", 30)
                    line.cut()
                    await uplink.make("alarm", 2)
                    line.resume()
                await uplink.emptied()
            assert uplink.client.connections >= 3

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert sorted(centre.numbers()) == list(range(1, 97))
        assert centre.breaks == []


def test_the_centres_broker_killed_with_alarms_in_its_memory_loses_none(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = Uplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await until(uplink.client.connected.is_set, "connected")
            await uplink.make("alarm", 20)
            # PUBACKed by the broker, and by nobody else.
            await until(lambda: uplink.client.unheard >= 20, "the broker has them all")
            broker.kill()
            await uplink.make("alarm", 5)
            await asyncio.to_thread(broker.start)
            with RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
                await uplink.emptied()
                assert sorted(centre.numbers()) == list(range(1, 26))

    broker.start()
    try:
        asyncio.run(scenario())
    finally:
        broker.stop()


def test_a_restarted_gateway_sends_the_same_bytes_under_the_same_number(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def first_life() -> str:
        uplink = Uplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.make("alarm", 3)
            await uplink.make("data", 3)
            await until(lambda: len(centre.numbers()) == 6, "all six arrived once")
            return uplink.store.epoch

    async def second_life() -> None:
        uplink = Uplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.make("data")
            await uplink.emptied()

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        epoch = asyncio.run(first_life())
        asyncio.run(second_life())
        assert sorted(centre.numbers()) == list(range(1, 8))
        assert {message.epoch for message in centre.messages if message.seq} == {epoch}
        assert centre.refusals == []


def test_a_stalled_line_ends_within_seconds_when_the_gateway_stops(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> float:
        async with Proxy(broker.port) as line:
            uplink = Uplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.stall()
                await uplink.make("alarm", 3)
                await until(lambda: uplink.forwarder.sendings == 3, "handed to the line")
                assert uplink.forwarder.unconfirmed == 3
                began = asyncio.get_running_loop().time()
            return asyncio.get_running_loop().time() - began

    with broker:
        assert asyncio.run(scenario()) < 4.0


def test_a_handshake_that_hangs_does_not_hold_up_the_end(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> float:
        async with Proxy(broker.port) as line:
            line.stall()
            uplink = Uplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(lambda: line.connections == 1, "dialled")
                began = asyncio.get_running_loop().time()
            return asyncio.get_running_loop().time() - began

    with broker:
        assert asyncio.run(scenario()) < 4.0


def test_acks_of_another_epoch_or_without_sense_confirm_nothing(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = Uplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.make("alarm", 2)
            await until(lambda: uplink.forwarder.sendings >= 2, "sent")
            foreign = messages.encode("centre_ack", {"epoch": "00000000", "s": [[1, 2]]})
            assert await uplink.forwarder.acknowledge(foreign) == 0
            assert await uplink.forwarder.acknowledge(b"[]") == 0
            assert uplink.forwarder.foreign_acks == 1
            assert (await uplink.store.backlog(CENTRE)).alarms == 2
            ours = messages.encode("centre_ack", {"epoch": uplink.store.epoch, "s": [[1, 1]]})
            assert await uplink.forwarder.acknowledge(ours) == 1
            assert await uplink.forwarder.acknowledge(ours) == 0
            assert (await uplink.store.backlog(CENTRE)).alarms == 1

    with broker:
        asyncio.run(scenario())


def test_a_command_waits_at_the_broker_while_the_line_is_cut(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Proxy(broker.port) as line:
            uplink = Uplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.cut()
                await until(lambda: not uplink.client.connected.is_set(), "cut")
                with Peer(ca, "centre-01", broker.port) as centre:
                    await asyncio.to_thread(centre.publish, "hd/1/g/gw-01/cmd", b"one")
                line.resume()
                await until(lambda: uplink.commands == [b"one"], "the command")

    with broker:
        asyncio.run(scenario())


def test_a_broker_with_another_name_is_not_trusted(
    ca: Path, broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        uplink = Uplink(ca, tmp_path, broker.port, name="centre.example")
        async with uplink.running():
            await until(lambda: "no connection" in caplog.text, "the refusal is logged")
            assert not uplink.client.connected.is_set()
            with pytest.raises(UplinkError):
                uplink.client.publish("t", b"x")

    with broker:
        asyncio.run(scenario())
    assert "centre.example" in caplog.text


def test_the_window_of_the_line_is_bounded(ca: Path, broker: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Proxy(broker.port) as line:
            uplink = Uplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.stall()
                taken = [uplink.client.publish("hd/1/g/gw-01/data", b"x") for _ in range(100)]
                with pytest.raises(UplinkError, match="wait for the broker"):
                    uplink.client.publish("hd/1/g/gw-01/data", b"x")
                line.cut()
                await until(lambda: all(future.cancelled() for future in taken), "given back")

    with broker:
        asyncio.run(scenario())
