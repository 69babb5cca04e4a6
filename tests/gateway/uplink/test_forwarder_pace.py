"""How much is under way and numbered ahead is what the line takes in a second."""

import asyncio
from pathlib import Path

from forwarder_kit import TAKEN, Broker
from haidang_gateway.batch import CENTRE, Batch, Draft
from haidang_gateway.clock import Clock
from haidang_gateway.uplink.forwarder import Forwarder
from haidang_wire.documents import wrap_packs
from running_uplink import make_messages
from specimens import pack
from store_kit import open_store
from waiting import until

_LONG = Draft(
    destination=CENTRE,
    lane="data",
    topic="hd/1/g/gw-01/data",
    compose=lambda message_id: bytes(wrap_packs(message_id, [pack(n) for n in range(20)])),
)


class StandingClock(Clock):
    """Time that stands until the test moves it."""

    now_ms_ = 1_000_000

    def monotonic_ms(self) -> int:
        return self.now_ms_


class SlowBroker(Broker):
    """Answers when the test says so; `most` is how much telemetry was under way at once."""

    def __init__(self) -> None:
        super().__init__(lambda _: TAKEN)
        self.under_way: list[tuple[str, int, asyncio.Future[int]]] = []
        self.most = 0

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        self.topics.append(topic)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.under_way.append((topic, len(payload), future))
        data = sum(size for topic, size, _ in self.under_way if topic.endswith("/data"))
        self.most = max(self.most, data)
        return future


def test_on_a_slow_line_no_more_telemetry_is_under_way_than_it_sends_in_a_second(
    tmp_path: Path,
) -> None:
    rate = 4_000

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await make_messages(store, "data", 60)
            broker, clock = SlowBroker(), StandingClock()
            forwarder = Forwarder(store, broker, clock, CENTRE, broker_only=True)
            task = asyncio.create_task(forwarder.run(), name="forwarder")
            while forwarder.confirmed.messages < 60:
                await until(lambda: broker.under_way, "something is under way")
                _, size, future = broker.under_way.pop(0)
                clock.now_ms_ += size * 1000 // rate
                future.set_result(TAKEN)
                taken = forwarder.confirmed.messages
                await until(lambda n=taken: forwarder.confirmed.messages > n, "it is deleted")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert 1000 < broker.most <= 1.25 * rate
            assert forwarder.window_bytes < 1.25 * rate
            assert forwarder.bundle.bytes <= rate / 4
            assert forwarder.bundle.ahead < 64

    asyncio.run(scenario())


def test_on_a_fast_line_as_much_is_numbered_ahead_as_it_takes_in_a_second(tmp_path: Path) -> None:
    rate = 1_000_000

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for _ in range(60):
                await store.commit(Batch(now_ms=1_764_000_000_000, drafts=(_LONG,)))
            broker, clock = SlowBroker(), StandingClock()
            forwarder = Forwarder(store, broker, clock, CENTRE, broker_only=True)
            task = asyncio.create_task(forwarder.run(), name="forwarder")
            answered = 0
            while forwarder.confirmed.messages < 60:
                await until(lambda: broker.under_way, "something is under way")
                _, size, future = broker.under_way.pop(0)
                answered += size
                clock.now_ms_ = 1_000_000 + answered * 1000 // rate
                future.set_result(TAKEN)
                taken = forwarder.confirmed.messages
                await until(lambda n=taken: forwarder.confirmed.messages > n, "it is deleted")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            bundle = forwarder.bundle
            assert 0.7 * rate < bundle.ahead * bundle.bytes < 2 * rate
            assert bundle.ahead > 40

    asyncio.run(scenario())


def test_where_telemetry_is_deflated_more_of_it_goes_into_a_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for _ in range(3):
                await store.commit(Batch(now_ms=1_764_000_000_000, drafts=(_LONG,)))
            broker, clock = SlowBroker(), StandingClock()
            forwarder = Forwarder(store, broker, clock, CENTRE, broker_only=True, deflate=True)
            plain = forwarder.bundle.bytes
            task = asyncio.create_task(forwarder.run(), name="forwarder")
            await until(lambda: broker.under_way, "something is under way")
            assert forwarder.bundle.bytes > plain
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
