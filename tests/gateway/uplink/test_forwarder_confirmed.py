"""What a broker's confirmation deletes, and where it deletes nothing."""

import asyncio
from pathlib import Path

import pytest
from forwarder_kit import NOBODY, TAKEN, Broker, forwarding, waking_until
from haidang_gateway.batch import CENTRE, Outgoing
from haidang_gateway.errors import UplinkError
from haidang_gateway.model import OutLane
from running_uplink import make_messages
from store_kit import open_store
from waiting import until


class FullBroker(Broker):
    """Takes so many messages, then its line stays full."""

    def __init__(self, places: int) -> None:
        super().__init__(lambda _: TAKEN)
        self._places = places

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        if len(self.topics) == self._places:
            raise UplinkError("no room")
        return super().publish(topic, payload)


def test_a_puback_confirms_where_that_is_all_there_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await make_messages(store, "alarm", 3)
            await make_messages(store, "data", 150)
            async with forwarding(store, Broker(lambda _: TAKEN), broker_only=True) as forwarder:
                await waking_until(
                    forwarder, lambda: forwarder.confirmed.messages == 153, "all confirmed"
                )
            assert (await store.backlog(CENTRE)).alarms == 0

    asyncio.run(scenario())


def test_without_that_a_puback_confirms_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = Broker(lambda _: TAKEN)
            await make_messages(store, "alarm", 1)
            async with forwarding(store, broker) as forwarder:
                await waking_until(
                    forwarder, lambda: len(broker.topics) > 3, "sent again and again"
                )
            assert (await store.backlog(CENTRE)).alarms == 1

    asyncio.run(scenario())


def test_what_a_broker_has_taken_is_deleted_although_the_line_is_full(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = FullBroker(10)
            await make_messages(store, "alarm", 20)
            await make_messages(store, "data", 20)
            async with forwarding(store, broker, broker_only=True) as forwarder:
                await until(lambda: forwarder.confirmed.messages == 10, "ten confirmed")
                assert len(broker.topics) == 10, "and none of them sent twice"
            assert (await store.backlog(CENTRE)).alarms == 10

    asyncio.run(scenario())


def test_what_a_broker_has_taken_is_not_sent_again_before_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            pending = store.pending

            async def slow(
                destination: str, lane: OutLane, after_seq: int, limit: int
            ) -> list[Outgoing]:
                # Longer than a message waits for its acknowledgement.
                await asyncio.sleep(0.01)
                return await pending(destination, lane, after_seq, limit)

            monkeypatch.setattr(store, "pending", slow)
            broker = Broker(lambda _: TAKEN)
            await make_messages(store, "alarm", 3)
            async with forwarding(store, broker, broker_only=True) as forwarder:
                await waking_until(
                    forwarder, lambda: forwarder.confirmed.messages == 3, "confirmed"
                )
            assert len(broker.topics) == 3

    asyncio.run(scenario())


def test_what_a_broker_told_nobody_is_sent_until_somebody_listens(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            codes = iter([NOBODY, NOBODY, NOBODY])
            broker = Broker(lambda _: next(codes, TAKEN))
            await make_messages(store, "alarm", 1)
            async with forwarding(store, broker, broker_only=True) as forwarder:
                await waking_until(
                    forwarder, lambda: forwarder.confirmed.messages == 1, "confirmed at last"
                )
            assert len(broker.topics) == 4

    asyncio.run(scenario())
