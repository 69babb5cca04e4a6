"""The pipeline: answers only after the commit, alarms before telemetry, bad items alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock
from haidang_gateway import store_read
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.batch import CENTRE, Batch, BootKey
from haidang_gateway.errors import StoreBusy, StoreError
from haidang_gateway.fleet.nodes import Fleet
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import PackReader
from haidang_gateway.intake import Intake
from haidang_gateway.model import AckAlarm, Due, Fact, Lane, Outcome, Place
from haidang_gateway.pipeline import Pipeline
from haidang_gateway.settings import (
    CentreSettings,
    NodeSettings,
    Settings,
    StoreSettings,
)
from haidang_gateway.store import Store
from haidang_gateway.store_schema import reading
from node_packs import EPOCH, NODE, START_MS, pack, smoke, status
from store_kit import NO_BROKER

_FILE = Path("unused.pem")
_KEY = (NODE, EPOCH, 7)


def _settings() -> Settings:
    return Settings(
        id="gw-01",
        timezone="Asia/Ho_Chi_Minh",
        data_dir=_FILE,
        broker=NO_BROKER,
        centre=CentreSettings(
            host="h", port=1, server_name="h", ca=_FILE, cert=_FILE, key=_FILE, batch_s=5
        ),
        places=(Place(id="m", name="Chợ", name_en="Market", lat=1, lon=2, radius_m=5),),
        nodes=(NodeSettings(id=NODE, place="m"),),
    )


class _Answers:
    """Notes the answers in the order in which they are given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def acknowledge(self, arrival: Arrival) -> None:
        self.given.append(("puback", arrival.packet_id))

    def publish_ack(self, key: BootKey, ranges: Sequence[Sequence[int]], lane: Lane) -> None:
        self.given.append(("ack", key, [list(pair) for pair in ranges], lane))


class _FailingStore(Store):
    """The real store, whose disk fails for the first `failures` commits."""

    failures = 0
    error: type[StoreError] = StoreBusy

    async def commit(self, batch: Batch) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error("the disk failed")
        await super().commit(batch)


class _Bench:
    """A whole pipeline on a real store, stepped by hand."""

    def __init__(self, store: _FailingStore, states: dict[str, Any]) -> None:
        self.clock = FakeClock(START_MS)
        self.store = store
        self.answers = _Answers()
        self.inbox = Inbox(urgent_limit=10, data_limit=600, monotonic_ms=self.clock.monotonic_ms)
        settings = _settings()
        self.rules = Rules(settings.site(), states, store.epoch)
        self.fleet = Fleet(settings.nodes, START_MS)
        ledger = Ledger({}, 0, lambda _ms: "2026-11-22")
        self.pipeline = Pipeline(
            "gw-01",
            intake=Intake(
                "gw-01",
                rules=self.rules,
                fleet=self.fleet,
                ledger=ledger,
                reader=PackReader(self.fleet.nodes, ledger),
            ),
            inbox=self.inbox,
            store=store,
            answers=self.answers,
            clock=self.clock,  # type: ignore[arg-type]
            telemetry_commit_ms=1000,
            batch_s=5,
            on_commit=lambda _revisions: None,
        )

    def arrive(self, kind: str, payload: bytes, packet_id: int, *, retained: bool = False) -> None:
        arrival = Arrival(
            topic=f"hd/1/n/{NODE}/{kind}",
            payload=payload,
            lane="alarm" if kind == "alarm" else "data",
            retained=retained,
            packet_id=packet_id,
            received_ms=self.clock.now_ms(),
            session="data",
            connection=1,
        )
        put = self.inbox.put_urgent if kind == "alarm" else self.inbox.put_data
        put(arrival)

    def trip(self, monkeypatch: pytest.MonkeyPatch, over: Callable[[Fact], bool]) -> None:
        """Rules with a programming error that some facts bring out."""
        apply = self.rules.apply

        def tripping(fact: Fact, now_ms: int) -> Outcome:
            if over(fact):
                raise ZeroDivisionError
            return apply(fact, now_ms)

        monkeypatch.setattr(self.rules, "apply", tripping)

    async def alarms(self) -> int:
        return (await self.store.backlog(CENTRE)).alarms


@contextlib.asynccontextmanager
async def _bench(folder: Path) -> AsyncIterator[_Bench]:
    store = _FailingStore(folder, "gw-01", StoreSettings())
    await store.open(START_MS)
    try:
        yield _Bench(store, await store.rule_states())
    finally:
        await store.close()


def test_nothing_is_answered_while_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            seen: list[int] = []

            async def pause(_seconds: float) -> None:
                seen.append(len(bench.answers.given))

            monkeypatch.setattr("haidang_gateway.pipeline.asyncio.sleep", pause)
            bench.store.failures = 3
            bench.arrive("alarm", pack(1, *smoke("alarm")), 11)
            await bench.pipeline.step()
            assert seen == [0, 0, 0]
            assert bench.pipeline.retries == 3
            assert bench.answers.given == [("ack", _KEY, [[1, 1]], "alarm"), ("puback", 11)]
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_a_store_error_that_cannot_pass_ends_the_pipeline_unanswered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            bench.store.failures, bench.store.error = 1, StoreError
            bench.arrive("alarm", pack(1), 11)
            with pytest.raises(StoreError):
                await bench.pipeline.step()
            assert bench.answers.given == []

    asyncio.run(scenario())


def test_alarms_do_not_wait_for_telemetry_and_telemetry_waits_for_company(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            bench.arrive("data", pack(1), 21)
            bench.arrive("data", pack(2), 22)
            bench.arrive("alarm", pack(3, *smoke("alarm")), 23)
            await bench.pipeline.step()
            assert [a[-1] for a in bench.answers.given] == ["alarm", 23]
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert bench.answers.given[2:] == [
                ("ack", _KEY, [[1, 2]], "data"),
                ("puback", 21),
                ("puback", 22),
            ]

    asyncio.run(scenario())


def test_five_hundred_packs_do_not_wait_for_the_second(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            for seq in range(1, 502):
                bench.arrive("data", pack(seq), seq)
            await bench.pipeline.step()
            assert bench.answers.given[0] == ("ack", _KEY, [[1, 500]], "data")
            assert bench.inbox.data_count == 1

    asyncio.run(scenario())


def test_a_retained_status_is_no_sign_of_life_and_no_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            boots = [{"hb": 7, "next": 5, "held": [], "dropped": []}]
            word = status(boots=boots)
            bench.arrive("status", word, 31, retained=True)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert bench.answers.given == [("puback", 31)]
            assert bench.fleet.up_and_down() == (0, 1)
            bench.arrive("status", word, 32)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert bench.fleet.up_and_down() == (1, 0)
            (boot,) = (await bench.store.boots()).values()
            assert boot["latest_ms"] == START_MS + 1000 - 60_000

    asyncio.run(scenario())


def test_a_fire_is_told_although_the_nodes_clock_is_hours_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            boots = [{"hb": 7, "next": 0, "held": [], "dropped": []}]
            bench.arrive("status", status(boots=boots), 1)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            late_ms = START_MS - 5 * 3_600_000
            fire = pack(0, *smoke("alarm"), up_ms=61_000, unix_ms=late_ms)
            bench.arrive("alarm", fire, 2)
            await bench.pipeline.step()
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_a_node_that_falls_silent_is_an_alarm_and_is_cleared_after_its_next_word(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            bench.arrive("data", pack(1), 1)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            bench.clock.advance(90_000)
            await bench.pipeline.step()
            assert await bench.alarms() == 1
            bench.clock.advance(1000)
            bench.arrive("alarm", pack(2), 2)
            await bench.pipeline.step()
            # The alarms' rules want half a minute of health before they clear it.
            bench.clock.advance(30_000)
            await bench.pipeline.step()
            assert await bench.alarms() == 2

    asyncio.run(scenario())


def test_an_item_that_trips_the_program_is_quarantined_and_the_next_one_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            bench.trip(monkeypatch, lambda fact: getattr(fact, "state", "") == "pre_alarm")
            bench.arrive("alarm", pack(1, *smoke("pre_alarm")), 1)
            bench.arrive("alarm", pack(2, *smoke("alarm")), 2)
            await bench.pipeline.step()
            assert ("puback", 1) in bench.answers.given
            assert await bench.alarms() == 1
            assert (await bench.store.ledger_sums())["quarantined"] == 1

    asyncio.run(scenario())


def test_a_pack_that_trips_its_reader_counts_as_new_when_it_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(_payload: bytes, _unix_ms: int) -> bytes:
        raise ZeroDivisionError

    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            with monkeypatch.context() as broken:
                broken.setattr("haidang_gateway.ingest.packs.senml.resolve", trip)
                bench.arrive("alarm", pack(1, *smoke("alarm")), 1)
                await bench.pipeline.step()
            assert bench.answers.given == [("puback", 1)]
            bench.arrive("alarm", pack(1, *smoke("alarm")), 2)
            await bench.pipeline.step()
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_a_timer_that_trips_the_program_rests_and_telemetry_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            bench.arrive("alarm", pack(1, *smoke("alarm")), 1)
            await bench.pipeline.step()
            bench.trip(monkeypatch, lambda fact: isinstance(fact, Due))
            bench.arrive("data", pack(2), 2)
            bench.clock.advance(66_000)
            await bench.pipeline.step()
            await bench.pipeline.step()
            assert ("puback", 2) in bench.answers.given
            monkeypatch.undo()
            bench.clock.advance(60_000)
            await bench.pipeline.step()
            assert await bench.alarms() >= 2

    asyncio.run(scenario())


def test_a_command_is_done_only_when_it_is_durable(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            bench.arrive("alarm", pack(1, *smoke("alarm")), 1)
            await bench.pipeline.step()
            (first,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            wish = AckAlarm(
                alarm_id=first.topic.rpartition("/")[2],
                by="A",
                at_ms=START_MS,
                received_ms=START_MS,
            )
            told = asyncio.create_task(bench.inbox.tell_durably(wish))
            await asyncio.sleep(0)
            bench.store.failures, bench.store.error = 1, StoreError
            with pytest.raises(StoreError):
                await bench.pipeline.step()
            await asyncio.sleep(0)
            assert not told.done()
            told.cancel()
            told = asyncio.create_task(bench.inbox.tell_durably(wish))
            await asyncio.sleep(0)
            await bench.pipeline.step()
            await told

    asyncio.run(scenario())


def test_one_commit_holds_states_and_quarantine_and_a_duplicate_is_acked_again(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            for packet_id in (1, 2):
                bench.arrive("alarm", pack(1, *smoke("alarm")), packet_id)
                await bench.pipeline.step()
            bench.arrive("alarm", b"rubbish", 3)
            await bench.pipeline.step()
            ack = ("ack", _KEY, [[1, 1]], "alarm")
            assert bench.answers.given == [ack, ("puback", 1), ack, ("puback", 2), ("puback", 3)]
            assert await bench.alarms() == 1
        async with _bench(tmp_path) as again:
            # The verification window goes on where it was.
            again.clock.advance(66_000)
            await again.pipeline.step()
            assert await again.alarms() == 2

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        ((_, topic, _, payload),) = store_read.quarantined(connection, 10)
    assert (topic, payload) == (f"hd/1/n/{NODE}/alarm", b"rubbish")


def test_the_same_bad_message_is_kept_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _bench(tmp_path) as bench:
            for packet_id in range(1, 6):
                bench.arrive("data", b"rubbish", packet_id)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert len(bench.answers.given) == 5
            assert await bench.store.ledger_sums() == {"quarantined": 1}

    asyncio.run(scenario())
