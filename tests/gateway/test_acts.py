"""Persons' acts out of the centre's commands: durable before the answer, once for each id."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from command_kit import centre_command, give, replies
from haidang_gateway import tally_view
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.handled import KEPT, Handled
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from node_packs import START_MS, pack, smoke
from pipeline_kit import Bench, open_bench

NOW = "2025-11-24T23:00:00+07:00"
LATER = "2025-11-25T00:00:00+07:00"


def _command(number: int, do: str, **args: Any) -> bytes:
    return centre_command(do, id=f"o-{number}", args=args)


async def _give(bench: Bench, payload: bytes) -> dict[str, Any]:
    await give(bench, payload)
    return (await replies(bench))[-1]


async def _sent(bench: Bench, lane: Any) -> list[Any]:
    return await bench.store.pending(CENTRE, lane, 0, 100)


async def _alarms(bench: Bench) -> list[dict[str, Any]]:
    return [json.loads(message.payload)["alarm"] for message in await _sent(bench, "alarm")]


def _report(number: int, by: str, **more: Any) -> bytes:
    seen = {"hazard": "fire", "place": "m", "by": by, "time": NOW, "text": "khói"}
    return _command(number, "report", **(seen | more))


def test_reports_of_the_centre_become_alarms_and_come_through_a_crash(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            assert (await _give(bench, _report(1, "Hoa")))["ok"] is True
            assert (await _give(bench, _report(1, "Hoa")))["ok"] is True
            assert len(await _alarms(bench)) == 1
        async with open_bench(tmp_path) as bench:
            assert (await _give(bench, _report(1, "Hoa")))["ok"] is True
            assert len(await _alarms(bench)) == 1, "the same command after a crash is no second"
            await _give(bench, _report(2, "Nam"))
            assert [a["state"] for a in await _alarms(bench)] == ["suspected", "confirmed"]

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        rows = queries.audit_rows(connection)
    assert [row[3] for row in rows if row[2] == "report"] == [
        "fire at m by Hoa (o-1)",
        "fire at m by Nam (o-2)",
    ]


def test_nothing_is_answered_that_is_not_committed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            bench.store.failures, bench.store.error = 1, StoreError
            with pytest.raises(StoreError):
                await _give(bench, _report(1, "Hoa"))
            assert await _sent(bench, "reply") == await _sent(bench, "alarm") == []

    asyncio.run(scenario())


def test_an_exercise_is_ordered_played_and_ended(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            stimulus = {"kind": "smoke", "state": "alarm"}
            early = _command(1, "exercise", place="m", until=LATER, inject=stimulus)
            assert "no exercise at m" in (await _give(bench, early))["err"]
            assert (await _give(bench, _command(2, "exercise", place="m", until=LATER)))["ok"]
        async with open_bench(tmp_path) as bench:
            play = _command(3, "exercise", place="m", until=LATER, inject=stimulus)
            assert (await _give(bench, play))["ok"]
            (alarm,) = await _alarms(bench)
            assert (alarm["status"], alarm["evidence"][0]["source"]) == (
                "Exercise",
                "exercise:smoke",
            )
            stop = _command(4, "exercise", place="m", until=NOW)
            assert (await _give(bench, stop))["ok"]
            assert (await _alarms(bench))[-1]["state"] == "cleared"
            again = _command(5, "exercise", place="m", until=NOW)
            assert "no exercise" in (await _give(bench, again))["err"]

    asyncio.run(scenario())


def test_a_false_alarm_is_dismissed_once_and_counted(tmp_path: Path) -> None:
    async def scenario() -> str:
        async with open_bench(tmp_path) as bench:
            bench.arrive("alarm", pack(0, *smoke("alarm")), 1)
            await bench.pipeline.step()
            (alarm,) = await _alarms(bench)
            dismiss = _command(1, "dismiss_alarm", alarm_id=alarm["id"], by="Lan")
            assert (await _give(bench, dismiss))["ok"] is True
            assert (await _give(bench, dismiss))["ok"] is True
            late = _command(2, "dismiss_alarm", alarm_id=alarm["id"], by="Lan")
            assert "is over already" in (await _give(bench, late))["err"]
            shelve = _command(3, "shelve_alarm", alarm_id=alarm["id"], by="Lan", until=LATER)
            assert "is over already" in (await _give(bench, shelve))["err"]
            assert [a["state"] for a in await _alarms(bench)] == ["suspected", "dismissed"]
            return str(alarm["evidence"][0]["source"])

    source = asyncio.run(scenario())
    table = list(tally_view.lines(tmp_path))
    assert table[1].split() == ["2025-11", "1", "1", "100%", source]
    with reading(tmp_path / "haidang.db") as connection:
        kinds = [row[2] for row in queries.audit_rows(connection)]
    assert kinds.count("dismissal") == 1


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (_report(1, "Hoa", place="x"), "place x is not configured here"),
        (_command(1, "exercise", place="x", until=LATER), "place x is not configured here"),
        (_command(1, "exercise", place="m", until="2025-11-25T11:00:01+07:00"), "12 h away"),
        (_command(1, "ack_alarm", alarm_id="gw-01-5f3a9c1e-0009", by="Lan"), "there is no alarm"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason_and_may_be_tried_again(
    tmp_path: Path, command: bytes, reason: str
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for _ in range(2):
                reply = await _give(bench, command)
                assert reply["ok"] is False
                assert reason in reply["err"]
            assert await bench.store.rule_states() == {}

    asyncio.run(scenario())


def test_a_fire_is_never_shelved_and_a_fault_only_for_a_shift(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            bench.arrive("alarm", pack(0, *smoke("alarm")), 1)
            await bench.pipeline.step()
            (fire,) = await _alarms(bench)
            shelve = _command(1, "shelve_alarm", alarm_id=fire["id"], by="Lan", until=LATER)
            assert "may not be shelved" in (await _give(bench, shelve))["err"]
            bench.clock.advance(1)
            bench.arrive(
                "alarm",
                pack(1, {"n": "smoke/health", "vs": "open"}, up_ms=60_001, unix_ms=START_MS + 1),
                2,
            )
            await bench.pipeline.step()
            fault = (await _alarms(bench))[-1]
            assert fault["hazard"] == "device"
            long = {"alarm_id": fault["id"], "by": "Lan", "until": "2025-11-25T07:00:01+07:00"}
            assert "8 h away" in (await _give(bench, _command(2, "shelve_alarm", **long)))["err"]
            fits = long | {"until": LATER}
            assert (await _give(bench, _command(3, "shelve_alarm", **fits)))["ok"] is True
            assert (await _alarms(bench))[-1]["shelved"]["by"] == "Lan"

    asyncio.run(scenario())


def test_only_the_last_commands_are_remembered() -> None:
    handled = Handled({})
    state: dict[str, Any] = {}
    for number in range(KEPT + 1):
        state = handled.note(f"o-{number}", "m", {"ok": True})
    again = Handled(json.loads(json.dumps(state)))
    assert again.said("o-0", "m") is None
    assert again.said("o-1", "m") == {"ok": True}
    assert again.said("o-1", "another meaning") is None
