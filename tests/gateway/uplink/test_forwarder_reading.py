"""What the forwarder reads from the store, and when: alarms first, and only what is news."""

import asyncio
from pathlib import Path

import pytest
from forwarder_kit import TAKEN, Broker, forwarding
from haidang_gateway.batch import CENTRE, Outgoing
from haidang_gateway.clock import Clock
from haidang_gateway.model import OutLane
from haidang_gateway.uplink.forwarder import Forwarder
from running_uplink import make_messages
from store_kit import open_store
from waiting import until


def test_an_alarm_is_sent_before_telemetry_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            pending, gate = store.pending, asyncio.Event()

            async def slow(
                destination: str, lane: OutLane, after_seq: int, limit: int
            ) -> list[Outgoing]:
                if lane != "alarm":
                    await gate.wait()
                return await pending(destination, lane, after_seq, limit)

            monkeypatch.setattr(store, "pending", slow)
            broker = Broker(lambda _: TAKEN)
            await make_messages(store, "data", 1)
            await make_messages(store, "alarm", 1)
            async with forwarding(store, broker):
                await until(lambda: broker.topics, "an alarm")
                assert set(broker.topics) == {"hd/1/g/gw-01/alarm/gw-01-5f3a9c1e-0001"}
                gate.set()
                await until(lambda: "hd/1/g/gw-01/data" in broker.topics, "telemetry after it")

    asyncio.run(scenario())


def test_where_readings_alone_are_news_nothing_else_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            pending, read = store.pending, list[OutLane]()

            async def noted(
                destination: str, lane: OutLane, after_seq: int, limit: int
            ) -> list[Outgoing]:
                read.append(lane)
                return await pending(destination, lane, after_seq, limit)

            monkeypatch.setattr(store, "pending", noted)
            broker = Broker(lambda _: TAKEN)
            async with forwarding(store, broker) as forwarder:
                await until(lambda: read == ["alarm", "reply", "data"], "the first look")
                await make_messages(store, "data", 1)
                forwarder.wake(("data",))
                await until(lambda: broker.topics, "sent")
            assert read[3:] == ["data"]

    asyncio.run(scenario())


def test_what_a_run_that_failed_was_reading_is_read_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            pending, errors = store.pending, [ValueError("a mistake in the program")]

            async def failing(
                destination: str, lane: OutLane, after_seq: int, limit: int
            ) -> list[Outgoing]:
                if errors:
                    raise errors.pop()
                return await pending(destination, lane, after_seq, limit)

            monkeypatch.setattr(store, "pending", failing)
            broker = Broker(lambda _: TAKEN)
            await make_messages(store, "alarm", 1)
            forwarder = Forwarder(store, broker, Clock(), CENTRE)
            with pytest.raises(ValueError, match="mistake"):
                await forwarder.run()
            task = asyncio.create_task(forwarder.run(), name="forwarder")
            await until(lambda: broker.topics, "the alarm")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
