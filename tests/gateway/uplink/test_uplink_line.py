"""From the store to the centre over real brokers: cut, stalled, killed, and nothing lost."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Outgoing
from haidang_gateway.errors import StoreError, UplinkError
from haidang_gateway.model import Lane
from haidang_gateway.store import Store
from haidang_gateway.uplink import client
from haidang_tools.brokers import Broker, certificates
from haidang_wire import messages
from mqtt_peer import Peer
from proxy import Proxy
from running_centre import RunningCentre
from running_uplink import RunningUplink, until


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("uplink") / "ca"
    certificates(path, "gw-01", "gw-02", "centre-01", "broker-centre")
    return path


@pytest.fixture
def broker(ca: Path, tmp_path: Path) -> Broker:
    """Not started; a test that starts it also ends it."""
    return Broker("centre", ca, tmp_path / "broker")


def test_messages_reach_the_centre_in_order_and_leave_the_store_only_then(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port)
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
            uplink = RunningUplink(ca, tmp_path, line.port)
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
            uplink = RunningUplink(ca, tmp_path, line.port)
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
        uplink = RunningUplink(ca, tmp_path, broker.port)
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
        uplink = RunningUplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.make("alarm", 3)
            await uplink.make("data", 3)
            await until(lambda: len(centre.numbers()) == 6, "all six arrived once")
            return uplink.store.epoch

    async def second_life() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port)
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
            uplink = RunningUplink(ca, tmp_path, line.port)
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
            uplink = RunningUplink(ca, tmp_path, line.port)
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
        uplink = RunningUplink(ca, tmp_path, broker.port)
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
            uplink = RunningUplink(ca, tmp_path, line.port)
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
        uplink = RunningUplink(ca, tmp_path, broker.port, name="centre.example")
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
            uplink = RunningUplink(ca, tmp_path, line.port)
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


def test_a_gateway_that_leaves_or_vanishes_is_offline_after_a_while(
    ca: Path, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_WILL_DELAY_S", 1)

    async def online(line: Proxy, centre: Peer, *, vanish: bool) -> None:
        uplink = RunningUplink(ca, tmp_path, line.port)
        async with uplink.running():
            await until(uplink.client.connected.is_set, "connected")
            uplink.client.publish("hd/1/g/gw-01/status", b"online", retain=True)
            assert (await asyncio.to_thread(centre.next)).payload == b"online"
            if vanish:
                line.stall()
                line.cut()
        offline = await asyncio.to_thread(centre.next)
        assert messages.decode("gateway_status", offline.payload)["state"] == "offline"

    async def scenario() -> None:
        with Peer(ca, "centre-01", broker.port) as centre:
            await asyncio.to_thread(centre.subscribe, "hd/1/g/+/status")
            async with Proxy(broker.port) as line:
                await online(line, centre, vanish=False)
                await online(line, centre, vanish=True)

    with broker:
        asyncio.run(scenario())


class FailingStore(Store):
    """A store whose disk fails for the first two reads and the first delete."""

    reads_to_fail = 2
    deletes_to_fail = 1

    async def pending(
        self, destination: str, lane: Lane, after_seq: int, limit: int
    ) -> list[Outgoing]:
        if self.reads_to_fail:
            self.reads_to_fail -= 1
            raise StoreError("the disk failed")
        return await super().pending(destination, lane, after_seq, limit)

    async def confirm(self, destination: str, epoch: str, ranges: Sequence[Sequence[int]]) -> int:
        if self.deletes_to_fail:
            self.deletes_to_fail -= 1
            raise StoreError("the disk failed")
        return await super().confirm(destination, epoch, ranges)


def test_a_store_that_fails_for_a_while_delays_and_loses_nothing(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port, store=FailingStore)
        async with uplink.running():
            await uplink.make("alarm")
            await uplink.emptied()
            assert uplink.forwarder.confirmed == 1

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert centre.numbers() == [1]
        assert centre.centre.counts.duplicates >= 1
