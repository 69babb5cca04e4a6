"""The centre's commands change what they mean; each is answered, the late and the refused too."""

import asyncio
import json
from pathlib import Path

import pytest
from command_kit import centre_command, give, node_command, replies
from haidang_gateway.batch import CENTRE
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from node_packs import NODE, pack, smoke
from pipeline_kit import open_bench


def test_a_command_of_the_centre_reaches_its_node_and_the_reply_the_centre(
    tmp_path: Path,
) -> None:
    async def scenario() -> str:
        async with open_bench(tmp_path) as bench:
            bench.answers.away = True
            await give(bench, node_command())
            assert bench.answers.commands == []
        async with open_bench(tmp_path) as bench:
            # The gateway was killed before the broker came back.
            await bench.pipeline.step()
            ((node, command),) = bench.answers.commands
            assert (node, command["do"]) == (NODE, "identify")
            assert await replies(bench) == []
            await bench.hear("reply", json.dumps({"id": command["id"], "ok": True}).encode())
            (reply,) = await replies(bench)
            assert (reply["cmd"], reply["ok"], reply["node"]) == ("o-1", True, NODE)
            assert reply["id"] == f"gw-01/{bench.store.epoch}/1"
            await give(bench, node_command())
            assert len(bench.answers.commands) == 1, "it came again, and is not executed again"
            assert [r["cmd"] for r in await replies(bench)] == ["o-1", "o-1"]
            return str(command["id"])

    name = asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        ((_, _, kind, subject, _, _),) = queries.audit_rows(connection)
    assert (kind, subject) == ("order", f"{name}/{NODE}/identify by Lan (centre o-1)")


def test_what_a_later_node_says_besides_does_not_keep_its_reply_from_the_centre(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(bench, node_command())
            ((_, command),) = bench.answers.commands
            reply = {"id": command["id"], "ok": True, "out": {"blinks": 3}, "err": 0, "hint": {}}
            await bench.hear("reply", json.dumps(reply).encode())
            (answer,) = await replies(bench)
            assert (answer["ok"], answer["out"]) == (True, {"blinks": 3})

    asyncio.run(scenario())


def test_a_command_that_expires_is_told_to_the_centre(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(bench, node_command())
            bench.clock.advance(65_000)
            await bench.pipeline.step()
            (reply,) = await replies(bench)
            assert (reply["ok"], reply["do"]) == (False, "identify")
            assert "did not answer" in reply["err"]
            assert await bench.store.counters() == {"orders": 1, "orders_expired": 1}

    asyncio.run(scenario())


def test_an_unanswered_command_is_sent_again_when_its_node_speaks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(bench, node_command())
            bench.clock.advance(40_000)
            await bench.hear_status()
            assert [command["do"] for _, command in bench.answers.commands] == ["identify"] * 2

    asyncio.run(scenario())


def test_a_reply_that_breaks_the_contract_is_quarantined_and_the_command_goes_on(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(bench, node_command())
            await bench.hear("reply", b'{"id":"c-1","ok":"yes"}')
            assert await bench.store.ledger_sums() == {"quarantined": 1}
            assert bench.orders.waiting == 1

    asyncio.run(scenario())


def test_a_refused_command_is_answered_and_one_without_a_topic_is_not(tmp_path: Path) -> None:
    stranger = {"node": "n-240ac4000099", "do": "log"}

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(bench, node_command(args=stranger))
            await give(bench, centre_command("dance"))
            without = json.loads(node_command(args=stranger))
            del without["reply"]
            await give(bench, json.dumps(without).encode())
            refused, unknown = await replies(bench)
            assert "is not configured on gateway gw-01" in refused["err"]
            assert "expected one of" in unknown["err"]

    asyncio.run(scenario())


def test_an_acknowledgement_is_answered_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear("alarm", pack(1, *smoke("alarm")))
            (first,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            for alarm in (first.topic.rpartition("/")[2], "gw-01-5f3a9c1e-9999"):
                args = {"alarm_id": alarm, "by": "Lan"}
                await give(bench, centre_command("ack_alarm", args=args))
            done, unknown = await replies(bench)
            assert done["ok"] is True
            assert unknown["err"] == "there is no alarm gw-01-5f3a9c1e-9999"
            assert await bench.alarms() == 2

    asyncio.run(scenario())


def test_resync_sends_every_open_alarm_again_byte_for_byte(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear("alarm", pack(1, *smoke("alarm")))
        async with open_bench(tmp_path) as bench:
            (first,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            await bench.store.confirm(CENTRE, bench.store.epoch, [[1, 1]])
            await give(bench, centre_command("resync"))
            (again,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert again.seq > first.seq
            assert again.topic == first.topic
            assert again.payload.partition(b",")[2] == first.payload.partition(b",")[2]
            await give(bench, centre_command("resync"))
            done, soon = await replies(bench)
            assert done["out"] == {"alarms": 1}
            assert "a moment ago" in soon["err"]

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        assert len(queries.revisions(connection)) == 1, "nothing new was decided"


def test_open_alarms_for_a_centre_that_takes_none_are_not_repeated_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang_gateway.store.writes.KEEP_REPEATS", 3)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.hear("alarm", pack(1, *smoke("alarm")))
            for _ in range(4):
                bench.clock.advance(11_000)
                await give(bench, centre_command("resync", exp_ms=2**45))
            assert len(await bench.store.pending(CENTRE, "alarm", 0, 10)) == 3
            assert (await bench.store.counters())["repeats_dropped"] == 2
            bench.clock.advance(61_000)
            await bench.pipeline.step()
            revised = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert len(revised) > 3, "what is new is always taken"
            await bench.store.confirm(CENTRE, bench.store.epoch, [[1, revised[-1].seq]])
            await give(bench, centre_command("resync", exp_ms=2**45))
            again = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert {message.topic for message in again} == {one.topic for one in revised}

    asyncio.run(scenario())


def test_replies_that_no_centre_takes_are_bounded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang_gateway.store.writes.KEEP_REPLIES", 2)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for _ in range(5):
                await give(bench, centre_command("dance"))
            assert len(await replies(bench)) == 2
            assert await bench.store.counters() == {"replies_dropped": 3}
            await bench.hear("alarm", pack(1, *smoke("alarm")))
            (alarm,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert alarm.seq == 3, "numbers have no gap"

    asyncio.run(scenario())
