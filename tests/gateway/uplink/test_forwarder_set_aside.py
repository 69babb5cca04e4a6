"""A message that a broker will not have is set aside, and only that; it holds up nobody."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forwarder_kit import REFUSED, TAKEN, Broker, forwarding, waking_until
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.store import dead_letters
from running_uplink import make_messages
from store_kit import open_store


class HangingUp(Broker):
    """Takes a message, and hangs up on one that is too large without a word."""

    def __init__(self) -> None:
        super().__init__(lambda _: TAKEN)
        self._lost: list[Callable[[], None]] = []
        self._hung_up = False

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        if not topic.endswith("0001") and not self._hung_up:
            return super().publish(topic, payload)
        self.topics.append(topic)
        if not self._hung_up:
            self._hung_up = True
            asyncio.get_running_loop().call_soon(self._hang_up)
        return asyncio.get_running_loop().create_future()

    def notify(self, callback: Callable[[], None]) -> None:
        self._lost.append(callback)

    def _hang_up(self) -> None:
        self._hung_up = False
        self.connections += 1
        self.sessions += 1
        for callback in self._lost:
            callback()


def test_a_message_that_alone_is_refused_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = Broker(lambda topic: REFUSED if topic.endswith("0001") else TAKEN)
            await make_messages(store, "alarm", 2)
            async with forwarding(store, broker) as forwarder:
                await waking_until(forwarder, lambda: "set aside" in caplog.text, "set aside")
            (letter,) = await store.read(dead_letters.letters)
            assert letter[:3] == (CENTRE, 1, "alarm")
            assert "0x87" in letter[4]
            assert broker.topics.count("hd/1/g/gw-01/alarm/gw-01-5f3a9c1e-0001") == 8
            assert (await store.backlog(CENTRE)).alarms == 1

    asyncio.run(scenario())


def test_a_message_on_which_a_broker_hangs_up_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await make_messages(store, "alarm", 3)
            async with forwarding(store, HangingUp()) as forwarder:
                await waking_until(forwarder, lambda: "set aside" in caplog.text, "set aside")
                await waking_until(forwarder, lambda: forwarder.unconfirmed == 2, "forgotten")
            (letter,) = await store.read(dead_letters.letters)
            assert letter[:3] == (CENTRE, 1, "alarm")
            assert "hung up" in letter[4]
            assert (await store.backlog(CENTRE)).alarms == 2

    asyncio.run(scenario())


def test_a_broker_that_refuses_everything_is_given_longer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = Broker(lambda _: REFUSED)
            await make_messages(store, "alarm", 1)
            async with forwarding(store, broker) as forwarder:
                await waking_until(forwarder, lambda: forwarder.refusals >= 20, "refused often")
                assert await store.read(dead_letters.letters) == []
                assert forwarder.unconfirmed == 1

    asyncio.run(scenario())


def test_what_is_taken_after_all_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            care, codes = store.care, iter([REFUSED] * 8)

            async def failing(work: Callable[[Any], Any]) -> Any:
                if tries() < 10:
                    raise StoreError("the disk failed")
                return await care(work)

            monkeypatch.setattr(store, "care", failing)
            broker = Broker(lambda t: next(codes, TAKEN) if t.endswith("0001") else TAKEN)

            def tries() -> int:
                return sum(topic.endswith("0001") for topic in broker.topics)

            await make_messages(store, "alarm", 2)
            async with forwarding(store, broker) as forwarder:
                await waking_until(forwarder, lambda: tries() > 11, "taken, and asked about")
            assert await store.read(dead_letters.letters) == []
            assert forwarder.refusals == 8

    asyncio.run(scenario())
