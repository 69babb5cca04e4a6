"""The pipeline: answers only after the commit, alarms before telemetry, bad items alone."""

import asyncio
import json
import zlib
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.ledger_view import lines
from haidang_gateway.model import AckAlarm, Due
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from node_packs import NODE, START_MS, pack, smoke, status
from pipeline_kit import KEY, Bench, open_bench


def test_nothing_is_answered_while_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            seen: list[int] = []

            async def pause(_seconds: float) -> None:
                seen.append(len(bench.answers.given))

            monkeypatch.setattr("haidang_gateway.pipeline.asyncio.sleep", pause)
            bench.store.failures = 3
            bench.arrive("alarm", pack(1, *smoke("alarm")), 11)
            await bench.pipeline.step()
            assert seen == [0, 0, 0]
            assert bench.pipeline.retries == 3
            assert bench.answers.given == [("ack", KEY, [[1, 1]], "alarm"), ("puback", 11)]
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_a_node_is_told_of_its_reply_behind_the_commit_whatever_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            seen: list[int] = []

            async def pause(_seconds: float) -> None:
                seen.append(len(bench.answers.given))

            monkeypatch.setattr("haidang_gateway.pipeline.asyncio.sleep", pause)
            bench.store.failures = 1
            said = (b'{"id":"c-1","ok":true}', b'{"id":"c-1"}', b"none")
            for number, payload in enumerate(said):
                bench.arrive("reply", payload, 31 + number)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert set(seen) == {0}
            heard = [("heard", NODE, zlib.crc32(payload)) for payload in said]
            assert bench.answers.given == [*heard, *(("puback", 31 + n) for n in range(3))]

    asyncio.run(scenario())


def test_a_store_error_that_cannot_pass_ends_the_pipeline_unanswered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
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
        async with open_bench(tmp_path) as bench:
            bench.arrive("data", pack(1), 21)
            bench.arrive("data", pack(2), 22)
            bench.arrive("alarm", pack(3, *smoke("alarm")), 23)
            await bench.pipeline.step()
            assert [a[-1] for a in bench.answers.given] == ["alarm", 23]
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert bench.answers.given[2:] == [
                ("ack", KEY, [[1, 2]], "data"),
                ("puback", 21),
                ("puback", 22),
            ]

    asyncio.run(scenario())


def test_destinations_are_woken_for_what_they_get_and_for_no_reading(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            bench.arrive("data", pack(1), 21)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            bench.arrive("alarm", pack(2, *smoke("alarm")), 22)
            await bench.pipeline.step()
            assert [batch.for_destinations for batch in bench.committed] == [False, True]
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_five_hundred_packs_do_not_wait_for_the_second(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for seq in range(1, 502):
                bench.arrive("data", pack(seq), seq)
            await bench.pipeline.step()
            assert bench.answers.given[0] == ("ack", KEY, [[1, 500]], "data")
            assert bench.inbox.data_count == 1

    asyncio.run(scenario())


def test_a_retained_status_is_no_sign_of_life_and_no_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
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
        async with open_bench(tmp_path) as bench:
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
        async with open_bench(tmp_path) as bench:
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


def test_a_command_is_done_only_when_it_is_durable(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
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


_BOOTS = [{"hb": 7, "next": 0, "held": [], "dropped": []}]


async def _say(bench: Bench, **more: object) -> None:
    bench.arrive("status", status(boots=_BOOTS, **more), 1)
    bench.clock.advance(1000)
    await bench.pipeline.step()


def test_a_node_in_safe_mode_is_an_alarm_that_ends_when_it_runs_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _say(bench)
            await _say(bench, mode="safe", fails=3)
            assert await bench.alarms() == 1
            (node,) = (await bench.store.nodes()).values()
            assert (node["mode"], node["fails"]) == ("safe", 3)
            await _say(bench)
            bench.clock.advance(30_000)
            await bench.pipeline.step()
            assert await bench.alarms() == 2

    asyncio.run(scenario())
    shown = "\n".join(lines(tmp_path))
    assert f"{NODE}  firmware 0.1.0, every 30 s" in shown
    assert "safe" not in shown


def test_a_broker_that_is_away_is_one_alarm_for_all_nodes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _say(bench)
            bench.link_up = False
            for _ in range(4):
                await bench.pipeline.step()
                bench.clock.advance(90_000)
            assert await bench.alarms() == 1
            bench.link_up = True
            await _say(bench)
            bench.clock.advance(30_000)
            await bench.pipeline.step()
            (raised, cleared) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert "broker" in json.loads(raised.payload)["alarm"]["headline"]["en"]
            assert json.loads(cleared.payload)["alarm"]["state"] == "cleared"

    asyncio.run(scenario())
