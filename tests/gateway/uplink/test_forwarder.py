"""What a broker's refusals and confirmations do to a message; no network, a clock of our own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE, Batch, Draft, Outgoing
from haidang_gateway.clock import Clock
from haidang_gateway.errors import StoreError, UplinkError
from haidang_gateway.model import OutLane
from haidang_gateway.store import dead_letters
from haidang_gateway.store.store import Store
from haidang_gateway.uplink.forwarder import Forwarder
from haidang_wire.documents import wrap_packs
from running_uplink import make_messages
from specimens import pack
from store_kit import open_store
from waiting import until

_TAKEN, _NOBODY, _REFUSED = 0, 0x10, 0x87
_LONG = Draft(
    destination=CENTRE,
    lane="data",
    topic="hd/1/g/gw-01/data",
    compose=lambda message_id: bytes(wrap_packs(message_id, [pack(n) for n in range(20)])),
)


class FastClock(Clock):
    """Time that runs a thousand times as fast."""

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() * 1000


class Broker:
    """A connection whose broker answers by topic."""

    def __init__(self, answer: Callable[[str], int]) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.connections = self.sessions = 1
        self.topics: list[str] = []
        self._answer = answer

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        self.topics.append(topic)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, self._answer(topic))
        return future

    def notify(self, callback: Callable[[], None]) -> None:
        pass


class StandingClock(Clock):
    """Time that stands until the test moves it."""

    now_ms_ = 1_000_000

    def monotonic_ms(self) -> int:
        return self.now_ms_


class SlowBroker(Broker):
    """Answers when the test says so; `most` is how much telemetry was under way at once."""

    def __init__(self) -> None:
        super().__init__(lambda _: _TAKEN)
        self.under_way: list[tuple[str, int, asyncio.Future[int]]] = []
        self.most = 0

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        self.topics.append(topic)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.under_way.append((topic, len(payload), future))
        data = sum(size for topic, size, _ in self.under_way if topic.endswith("/data"))
        self.most = max(self.most, data)
        return future


class FullBroker(Broker):
    """Takes so many messages, then its line stays full."""

    def __init__(self, places: int) -> None:
        super().__init__(lambda _: _TAKEN)
        self._places = places

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        if len(self.topics) == self._places:
            raise UplinkError("no room")
        return super().publish(topic, payload)


class HangingUp(Broker):
    """Takes a message, and hangs up on one that is too large without a word."""

    def __init__(self) -> None:
        super().__init__(lambda _: _TAKEN)
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


async def _until(forwarder: Forwarder, look: Callable[[], object], what: str) -> None:
    """Wait while the forwarder looks at its clock all the time."""

    def looked() -> object:
        forwarder.wake()
        return look()

    await until(looked, what)


@contextlib.asynccontextmanager
async def _forwarding(
    store: Store, broker: Broker, *, broker_only: bool = False
) -> AsyncIterator[Forwarder]:
    forwarder = Forwarder(store, broker, FastClock(), CENTRE, broker_only=broker_only)
    task = asyncio.create_task(forwarder.run(), name="forwarder")
    try:
        yield forwarder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_message_that_alone_is_refused_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = Broker(lambda topic: _REFUSED if topic.endswith("0001") else _TAKEN)
            await make_messages(store, "alarm", 2)
            async with _forwarding(store, broker) as forwarder:
                await _until(forwarder, lambda: "set aside" in caplog.text, "set aside")
            (letter,) = await store.read(dead_letters.letters)
            assert letter[:3] == (CENTRE, 1, "alarm")
            assert "0x87" in letter[4]
            assert broker.topics.count("hd/1/g/gw-01/alarm/gw-01-5f3a9c1e-0001") == 8
            assert (await store.backlog(CENTRE)).alarms == 1

    asyncio.run(scenario())


def test_a_broker_that_refuses_everything_is_given_longer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = Broker(lambda _: _REFUSED)
            await make_messages(store, "alarm", 1)
            async with _forwarding(store, broker) as forwarder:
                await _until(forwarder, lambda: forwarder.refusals >= 20, "refused often")
                assert await store.read(dead_letters.letters) == []
                assert forwarder.unconfirmed == 1

    asyncio.run(scenario())


def test_a_puback_confirms_where_that_is_all_there_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await make_messages(store, "alarm", 3)
            await make_messages(store, "data", 150)
            async with _forwarding(store, Broker(lambda _: _TAKEN), broker_only=True) as forwarder:
                await _until(
                    forwarder, lambda: forwarder.confirmed.messages == 153, "all confirmed"
                )
            assert (await store.backlog(CENTRE)).alarms == 0

    asyncio.run(scenario())


def test_what_a_broker_has_taken_is_deleted_although_the_line_is_full(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = FullBroker(10)
            await make_messages(store, "alarm", 20)
            await make_messages(store, "data", 20)
            async with _forwarding(store, broker, broker_only=True) as forwarder:
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
            broker = Broker(lambda _: _TAKEN)
            await make_messages(store, "alarm", 3)
            async with _forwarding(store, broker, broker_only=True) as forwarder:
                await _until(forwarder, lambda: forwarder.confirmed.messages == 3, "confirmed")
            assert len(broker.topics) == 3

    asyncio.run(scenario())


def test_a_message_on_which_a_broker_hangs_up_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await make_messages(store, "alarm", 3)
            async with _forwarding(store, HangingUp()) as forwarder:
                await _until(forwarder, lambda: "set aside" in caplog.text, "set aside")
                await _until(forwarder, lambda: forwarder.unconfirmed == 2, "forgotten")
            (letter,) = await store.read(dead_letters.letters)
            assert letter[:3] == (CENTRE, 1, "alarm")
            assert "hung up" in letter[4]
            assert (await store.backlog(CENTRE)).alarms == 2

    asyncio.run(scenario())


def test_without_that_a_puback_confirms_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            broker = Broker(lambda _: _TAKEN)
            await make_messages(store, "alarm", 1)
            async with _forwarding(store, broker) as forwarder:
                await _until(forwarder, lambda: len(broker.topics) > 3, "sent again and again")
            assert (await store.backlog(CENTRE)).alarms == 1

    asyncio.run(scenario())


def test_what_a_broker_told_nobody_is_sent_until_somebody_listens(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            codes = iter([_NOBODY, _NOBODY, _NOBODY])
            broker = Broker(lambda _: next(codes, _TAKEN))
            await make_messages(store, "alarm", 1)
            async with _forwarding(store, broker, broker_only=True) as forwarder:
                await _until(
                    forwarder, lambda: forwarder.confirmed.messages == 1, "confirmed at last"
                )
            assert len(broker.topics) == 4

    asyncio.run(scenario())


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
            broker = Broker(lambda _: _TAKEN)
            await make_messages(store, "data", 1)
            await make_messages(store, "alarm", 1)
            async with _forwarding(store, broker):
                await until(lambda: broker.topics, "an alarm")
                assert set(broker.topics) == {"hd/1/g/gw-01/alarm/gw-01-5f3a9c1e-0001"}
                gate.set()
                await until(lambda: "hd/1/g/gw-01/data" in broker.topics, "telemetry after it")

    asyncio.run(scenario())


def test_what_is_taken_after_all_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            care, codes = store.care, iter([_REFUSED] * 8)

            async def failing(work: Callable[[Any], Any]) -> Any:
                if tries() < 10:
                    raise StoreError("the disk failed")
                return await care(work)

            monkeypatch.setattr(store, "care", failing)
            broker = Broker(lambda t: next(codes, _TAKEN) if t.endswith("0001") else _TAKEN)

            def tries() -> int:
                return sum(topic.endswith("0001") for topic in broker.topics)

            await make_messages(store, "alarm", 2)
            async with _forwarding(store, broker) as forwarder:
                await _until(forwarder, lambda: tries() > 11, "taken, and asked about")
            assert await store.read(dead_letters.letters) == []
            assert forwarder.refusals == 8

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
            broker = Broker(lambda _: _TAKEN)
            await make_messages(store, "alarm", 1)
            forwarder = Forwarder(store, broker, Clock(), CENTRE)
            with pytest.raises(ValueError, match="mistake"):
                await forwarder.run()
            task = asyncio.create_task(forwarder.run(), name="forwarder")
            await until(lambda: broker.topics, "the alarm")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


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
                future.set_result(_TAKEN)
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
                future.set_result(_TAKEN)
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
            broker = Broker(lambda _: _TAKEN)
            async with _forwarding(store, broker) as forwarder:
                await until(lambda: read == ["alarm", "reply", "data"], "the first look")
                await make_messages(store, "data", 1)
                forwarder.wake(("data",))
                await until(lambda: broker.topics, "sent")
            assert read[3:] == ["data"]

    asyncio.run(scenario())
