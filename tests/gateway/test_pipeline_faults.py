"""What is broken, or trips the program, is set aside alone: all else is served."""

import asyncio
from pathlib import Path

import pytest
from haidang_gateway.model import Due
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from node_packs import NODE, pack, smoke
from pipeline_kit import KEY, open_bench


def test_an_item_that_trips_the_program_is_quarantined_and_the_next_one_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
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
        async with open_bench(tmp_path) as bench:
            with monkeypatch.context() as broken:
                broken.setattr("haidang_gateway.ingest.packs.senml.resolve", trip)
                bench.arrive("alarm", pack(1, *smoke("alarm")), 1)
                await bench.pipeline.step()
            # It lies in quarantine, so the node need not keep it any longer.
            assert bench.answers.given == [("ack", KEY, [[1, 1]], "alarm"), ("puback", 1)]
            bench.arrive("alarm", pack(1, *smoke("alarm")), 2)
            await bench.pipeline.step()
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_a_timer_that_trips_the_program_rests_and_telemetry_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
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


def test_one_commit_holds_states_and_quarantine_and_a_duplicate_is_acked_again(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for packet_id in (1, 2):
                bench.arrive("alarm", pack(1, *smoke("alarm")), packet_id)
                await bench.pipeline.step()
            bench.arrive("alarm", b"rubbish", 3)
            await bench.pipeline.step()
            ack = ("ack", KEY, [[1, 1]], "alarm")
            assert bench.answers.given == [ack, ("puback", 1), ack, ("puback", 2), ("puback", 3)]
            assert await bench.alarms() == 1
        async with open_bench(tmp_path) as again:
            # The verification window goes on where it was.
            again.clock.advance(66_000)
            await again.pipeline.step()
            assert await again.alarms() == 2

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        ((_, topic, _, payload),) = queries.quarantined(connection, 10)
    assert (topic, payload) == (f"hd/1/n/{NODE}/alarm", b"rubbish")


def test_the_same_bad_message_is_kept_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for packet_id in range(1, 6):
                bench.arrive("data", b"rubbish", packet_id)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert len(bench.answers.given) == 5
            assert await bench.store.ledger_sums() == {"quarantined": 1}

    asyncio.run(scenario())
