"""What nodes say of themselves, or not any more: later words, safe mode, silence, no broker."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.ledger_view import lines
from node_packs import EPOCH, NODE, START_MS, pack, status
from pipeline_kit import Bench, open_bench


async def _headlines(bench: Bench) -> list[str]:
    sent = await bench.store.pending(CENTRE, "alarm", 0, 20)
    return [json.loads(message.payload)["alarm"]["headline"]["en"] for message in sent]


@pytest.mark.parametrize("news", [{"mode": "ota\x1b[2J"}, {"sensors": ["smoke", "gas"]}])
def test_a_word_of_a_later_version_does_not_quarantine_a_whole_status(
    tmp_path: Path, news: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear_status(**news)
            assert await bench.store.ledger_sums() == {}
            assert bench.fleet.heard_ms(NODE) is not None
            assert (await bench.store.boots())[NODE, EPOCH, 7]["first"] == 0

    asyncio.run(scenario())
    assert all(line.isprintable() for line in lines(tmp_path))


@pytest.mark.parametrize("news", [{"mode": 7}, {"mode": "x" * 40}, {"sensors": [7]}, {"hb": -1}])
def test_what_is_no_word_at_all_still_goes_to_quarantine(
    tmp_path: Path, news: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear_status(**news)
            assert await bench.store.ledger_sums() == {"quarantined": 1}

    asyncio.run(scenario())


def test_a_mode_that_is_not_known_neither_raises_nor_ends_an_alarm(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear_status(mode="ota")
            assert await _headlines(bench) == []
            await bench.hear_status(mode="safe")
            (raised,) = await _headlines(bench)
            assert "safe mode" in raised
            for _ in range(5):
                bench.clock.advance(10_000)
                await bench.hear_status(mode="ota")
            assert await _headlines(bench) == [raised]
            assert bench.fleet.safe_count() == 0
            for _ in range(5):
                bench.clock.advance(10_000)
                await bench.hear_status()
            assert "runs normally again" in (await _headlines(bench))[-1]

    asyncio.run(scenario())
    assert any("firmware 0.1.0" in line for line in lines(tmp_path))


async def _be_away(bench: Bench) -> None:
    bench.link_up = False
    await bench.hear_status()
    bench.clock.advance(91_000)
    await bench.pipeline.step()


async def _be_back(bench: Bench) -> None:
    # What failed twice within an hour must stay well for 60 s.
    bench.link_up = True
    for _ in range(7):
        bench.clock.advance(10_000)
        await bench.hear_status()


async def _broker_headlines(bench: Bench) -> list[str]:
    return [line for line in await _headlines(bench) if "broker" in line]


def test_a_broker_is_told_away_again_after_a_restart_of_the_gateway(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _be_away(bench)
            await _be_back(bench)
            away, back = await _broker_headlines(bench)
            assert ("is away" in away, "is back" in back) == (True, True)
        async with open_bench(tmp_path) as bench:
            bench.clock.advance(600_000)
            await _be_away(bench)
            assert len(await _broker_headlines(bench)) == 3, "the alarm of before was over"
        async with open_bench(tmp_path) as bench:
            bench.clock.advance(600_000)
            await _be_away(bench)
            assert len(await _broker_headlines(bench)) == 3, "it is told already"
            await _be_back(bench)
            assert "is back" in (await _broker_headlines(bench))[-1]

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
            await bench.hear("status", word, 32)
            assert bench.fleet.up_and_down() == (1, 0)
            (boot,) = (await bench.store.boots()).values()
            assert boot["latest_ms"] == START_MS + 1000 - 60_000

    asyncio.run(scenario())


def test_a_node_that_falls_silent_is_an_alarm_and_is_cleared_after_its_next_word(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear("data", pack(1))
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


def test_a_node_in_safe_mode_is_an_alarm_that_ends_when_it_runs_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear_status()
            await bench.hear_status(mode="safe", fails=3)
            assert await bench.alarms() == 1
            (node,) = (await bench.store.nodes()).values()
            assert (node["mode"], node["fails"]) == ("safe", 3)
            await bench.hear_status()
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
            await bench.hear_status()
            bench.link_up = False
            for _ in range(4):
                await bench.pipeline.step()
                bench.clock.advance(90_000)
            assert await bench.alarms() == 1
            bench.link_up = True
            await bench.hear_status()
            bench.clock.advance(30_000)
            await bench.pipeline.step()
            (raised, cleared) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert "broker" in json.loads(raised.payload)["alarm"]["headline"]["en"]
            assert json.loads(cleared.payload)["alarm"]["state"] == "cleared"

    asyncio.run(scenario())
