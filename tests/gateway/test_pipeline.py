"""The pipeline: answers only after the commit, alarms before telemetry."""

import asyncio
import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.model import AckAlarm, Heard, Silence
from node_packs import NODE, START_MS, pack, smoke
from pipeline_kit import KEY, open_bench


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
            await bench.hear("data", pack(1), 21)
            bench.arrive("alarm", pack(2, *smoke("alarm")), 22)
            await bench.pipeline.step()
            assert [batch.for_destinations for batch in bench.committed] == [False, True]
            assert await bench.alarms() == 1

    asyncio.run(scenario())


def test_an_alarm_does_not_wait_for_all_timers_that_ran_out_together(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            when: dict[str, Any] = {"place": "m", "at_ms": START_MS, "received_ms": START_MS}
            for number in range(50):
                source = f"urn:dev:mac:240ac4fffe{number:06x}"
                bench.rules.apply(Silence(source=source, since_ms=START_MS, **when), START_MS)
                bench.rules.apply(Heard(source=source, **when), START_MS)
            bench.clock.advance(31_000)
            bench.arrive("alarm", pack(1, *smoke("alarm")), 11)
            await bench.pipeline.step()
            (batch,) = bench.committed
            hazards = Counter(json.loads(one.document)["hazard"] for one in batch.revisions)
            assert hazards == {"device": 20, "fire": 1}
            for _ in range(2):
                await bench.pipeline.step()
            assert await bench.alarms() == 51

    asyncio.run(scenario())


def test_in_a_storm_of_alarms_telemetry_waits_for_ten_commits_and_not_for_ever(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for number in range(25):
                bench.arrive("data", pack(100 + number), 100 + number)
            bench.clock.advance(1000)
            for number in range(12):
                bench.arrive("alarm", pack(number, *smoke("alarm")), 1 + number)
                await bench.pipeline.step()
                assert bench.inbox.data_count == (25 if number < 10 else 5)
                bench.clock.advance(500)
            bench.clock.advance(1000)
            bench.arrive("alarm", pack(50, *smoke("alarm")), 51)
            await bench.pipeline.step()
            assert bench.inbox.data_count == 0

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


def test_a_fire_is_told_although_the_nodes_clock_is_hours_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear_status()
            late_ms = START_MS - 5 * 3_600_000
            fire = pack(0, *smoke("alarm"), up_ms=61_000, unix_ms=late_ms)
            bench.arrive("alarm", fire, 2)
            await bench.pipeline.step()
            assert await bench.alarms() == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("unix_ms", [START_MS + 60_000, None])
@pytest.mark.parametrize("known", [False, True])
def test_a_fire_is_told_although_its_node_goes_by_our_clock_from_before_it_was_set(
    tmp_path: Path, unix_ms: int | None, known: bool
) -> None:
    step_ms = 5 * 3_600_000

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            if known:
                await bench.hear("data", pack(0))
        async with open_bench(tmp_path, step_ms) as bench:
            bench.clock.advance(step_ms + 60_000)
            bench.arrive("alarm", pack(1, *smoke("alarm"), up_ms=120_000, unix_ms=unix_ms), 2)
            await bench.pipeline.step()
            assert bench.fires() == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("by_our_old_clock", [False, True])
def test_what_waited_for_hours_opens_nothing_after_the_clock_was_set_either(
    tmp_path: Path, by_our_old_clock: bool
) -> None:
    step_ms, age_ms = 5 * 3_600_000, 3_600_000

    async def scenario() -> None:
        async with open_bench(tmp_path, step_ms) as bench:
            bench.clock.advance(step_ms)
            taken_ms = bench.clock.now_ms() - age_ms - by_our_old_clock * step_ms
            bench.arrive("alarm", pack(1, *smoke("alarm"), unix_ms=taken_ms), 2)
            await bench.pipeline.step()
            assert bench.fires() == 0
            assert bench.committed[0].packs[0].at_high_ms == bench.clock.now_ms() - age_ms

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
