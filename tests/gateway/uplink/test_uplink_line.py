"""From the store to the centre over real brokers: cut, stalled, killed, and nothing lost."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Confirmed, Outgoing
from haidang_gateway.destination import Protocol
from haidang_gateway.errors import StoreError
from haidang_gateway.model import Lane
from haidang_gateway.store.store import Store
from haidang_tools.brokers import Broker
from haidang_tools.fault_proxy import FaultProxy
from mqtt_peer import Peer
from running_centre import RunningCentre
from running_uplink import RunningUplink
from waiting import until


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
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.bytes_per_s = 20_000
                await uplink.make("data", 100)
                await until(lambda: len(centre.numbers()) > 5, "data flows")
                await uplink.make("alarm")
                await until(lambda: 101 in centre.numbers(), "the alarm has arrived")
                line.bytes_per_s = None
                await uplink.emptied()
                assert sorted(centre.numbers()) == list(range(1, 102))
                assert centre.numbers().index(101) < 90

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())


def test_a_cut_line_loses_nothing_and_doubles_nothing(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with uplink.running():
                for _ in range(3):
                    await until(uplink.client.connected.is_set, "connected")
                    await uplink.make("data", 30)
                    line.set_up(False)
                    await uplink.make("alarm", 2)
                    line.set_up(True)
                await uplink.emptied()
            assert uplink.client.connections >= 3

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert sorted(centre.numbers()) == list(range(1, 97))
        assert centre.breaks == []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_telemetry_that_waits_at_the_broker_for_the_centre_is_not_doubled_by_cuts(
    ca: Path, broker: Broker, tmp_path: Path, protocol: Protocol
) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port, protocol=protocol)
            async with uplink.running():
                with Peer(ca, "centre-01", broker.port) as mute:
                    mute.subscribe("hd/1/g/+/#")
                    await uplink.make("data", 20)
                    await until(lambda: _at_the_broker(uplink) == 20, "the broker has them all")
                    for cut in range(2):
                        line.set_up(False)
                        await until(lambda: not uplink.client.connected.is_set(), "cut")
                        line.set_up(True)
                        await until(lambda n=cut: uplink.client.connections == n + 2, "again")
                    await uplink.make("alarm")
                    await until(lambda: _at_the_broker(uplink) == 21, "the alarm is there")
                    assert uplink.forwarder.sendings == 21
                line.set_up(False)
                broker.kill()
                await asyncio.to_thread(broker.start)
                with RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
                    line.set_up(True)
                    began_s = time.monotonic()
                    await uplink.emptied()
                    assert sorted(centre.numbers()) == list(range(1, 22))
                    assert time.monotonic() - began_s < 20, "at once, not when silence is over"

    broker.start()
    try:
        asyncio.run(scenario())
    finally:
        broker.stop()


def _at_the_broker(uplink: RunningUplink) -> int:
    entries = uplink.forwarder._window._entries.values()
    return sum(entry.taken_ms is not None for entry in entries)


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

    async def confirm(
        self, destination: str, epoch: str, ranges: Sequence[Sequence[int]]
    ) -> Confirmed:
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
            confirmed = Confirmed(messages=1, alarms=1)
            await until(lambda: uplink.forwarder.confirmed == confirmed, "counted, too")

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert centre.numbers() == [1]
        assert centre.centre.counts.duplicates >= 1
