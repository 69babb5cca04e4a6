"""Commands of the centre: what they mean, who is answered and where, and what changes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.commands import Refused, Resync, Wish, wish_of
from haidang_gateway.fleet.order import Order
from haidang_gateway.model import AckAlarm
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_wire import messages
from node_packs import NODE, START_MS, pack, smoke, status
from pipeline_kit import Bench, open_bench

TOPIC = "hd/1/g/gw-01/reply"
_BOOTS = [{"hb": 7, "next": 0, "held": [], "dropped": []}]


def _command(do: str, **fields: Any) -> bytes:
    document = {"id": "o-1", "do": do, "exp_ms": START_MS + 60_000, "reply": TOPIC} | fields
    return json.dumps(document).encode()


def _node_cmd(**fields: Any) -> bytes:
    wish = {"node": NODE, "do": "identify", "by": "Lan"}
    return _command("node_cmd", **({"args": wish} | fields))


def _report(**fields: Any) -> bytes:
    seen = {"hazard": "fire", "place": "m", "by": "Lan", "time": "2025-11-24T16:00:00Z"}
    return _command("report", args=seen | fields)


def _inject(kind: str, state: str) -> bytes:
    stimulus = {"kind": kind, "state": state}
    args = {"place": "m", "until": "2025-11-24T17:00:00Z", "inject": stimulus}
    return _command("exercise", args=args)


def _wish(payload: bytes, now_ms: int = START_MS) -> Wish | None:
    return wish_of(payload, "gw-01", now_ms)


def test_every_command_means_something() -> None:
    wish = _wish(_node_cmd())
    assert wish is not None
    assert wish.what == Order(
        id="o-1",
        origin="centre",
        by="Lan",
        node=NODE,
        do="identify",
        exp_ms=START_MS + 60_000,
        topic=TOPIC,
    )
    args = {"alarm_id": "gw-01-5f3a9c1e-0001", "by": "Lan"}
    wish = _wish(_command("ack_alarm", args=args))
    assert wish is not None
    assert isinstance(wish.what, AckAlarm)
    wish = _wish(_command("resync"))
    assert wish is not None
    assert wish.what == Resync()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (_command("resync", exp_ms=START_MS), "had expired"),
        (_report(time="2025-11-24T15:49:59.999Z"), "older than 10 minutes"),
        (_report(hazard="device"), "nobody reports device"),
        (_inject("smoke", "fire"), "smoke cannot be fire"),
        (_command("dance"), "centre_cmd.do: expected one of"),
        (_node_cmd(args={"node": "n-1", "do": "log"}), "centre_cmd.args.node"),
        (_node_cmd(args={"node": NODE, "do": "dance"}), "centre_cmd.args.do"),
        (_node_cmd(args={"node": NODE, "do": "log", "args": [1]}), "centre_cmd.args.args"),
        (_node_cmd(exp_ms="soon"), "centre_cmd.exp_ms"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_with_the_reason(
    payload: bytes, reason: str
) -> None:
    wish = _wish(payload)
    assert wish is not None
    assert (wish.id, wish.topic) == ("o-1", TOPIC)
    assert isinstance(wish.what, Refused)
    assert reason in wish.what.err


@pytest.mark.parametrize(
    "payload",
    [
        b"rubbish",
        b"[" * 5000,
        b"[]",
        _command("dance", id=7),
        _command("dance", reply=None),
        _command("resync", reply="hd/1/g/gw-02/reply"),
        _command("resync", reply="hd/1/gw/status"),
        _command("dance", reply=f"hd/1/n/{NODE}/cmd"),
        _command("resync", reply="hd/1/g/gw-01/reply/a/b"),
        _command("resync", reply="hd/1/g/gw-01/reply/#"),
    ],
)
def test_who_cannot_be_answered_is_not_obeyed_and_never_steers_a_publish(payload: bytes) -> None:
    assert _wish(payload) is None


def test_an_answer_may_go_one_level_below_the_topic() -> None:
    wish = _wish(_command("resync", reply=f"{TOPIC}/centre-01"))
    assert wish is not None
    assert wish.topic == f"{TOPIC}/centre-01"


async def _give(bench: Bench, payload: bytes) -> None:
    wish = wish_of(payload, "gw-01", bench.clock.now_ms())
    assert wish is not None
    told = asyncio.create_task(bench.inbox.tell_durably(wish))
    await asyncio.sleep(0)
    await bench.pipeline.step()
    await told


async def _say(bench: Bench, kind: str, document: bytes) -> None:
    bench.arrive(kind, document, 1)
    bench.clock.advance(1000)
    await bench.pipeline.step()


async def _replies(bench: Bench) -> list[dict[str, Any]]:
    sent = await bench.store.pending(CENTRE, "reply", 0, 10)
    assert all(message.topic == TOPIC for message in sent)
    return [messages.decode("centre_reply", message.payload) for message in sent]


def test_a_command_of_the_centre_reaches_its_node_and_the_reply_the_centre(
    tmp_path: Path,
) -> None:
    async def scenario() -> str:
        async with open_bench(tmp_path) as bench:
            bench.answers.away = True
            await _give(bench, _node_cmd())
            assert bench.answers.commands == []
        async with open_bench(tmp_path) as bench:
            # The gateway was killed before the broker came back.
            await bench.pipeline.step()
            ((node, command),) = bench.answers.commands
            assert (node, command["do"]) == (NODE, "identify")
            assert await _replies(bench) == []
            await _say(bench, "reply", json.dumps({"id": command["id"], "ok": True}).encode())
            (reply,) = await _replies(bench)
            assert (reply["cmd"], reply["ok"], reply["node"]) == ("o-1", True, NODE)
            assert reply["id"] == f"gw-01/{bench.store.epoch}/1"
            await _give(bench, _node_cmd())
            assert len(bench.answers.commands) == 1, "it came again, and is not executed again"
            assert [r["cmd"] for r in await _replies(bench)] == ["o-1", "o-1"]
            return str(command["id"])

    name = asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        ((_, _, kind, subject, _, _),) = queries.audit_rows(connection)
    assert (kind, subject) == ("order", f"{name}/{NODE}/identify by Lan (centre o-1)")


def test_a_command_that_expires_is_told_to_the_centre(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, _node_cmd())
            bench.clock.advance(65_000)
            await bench.pipeline.step()
            (reply,) = await _replies(bench)
            assert (reply["ok"], reply["do"]) == (False, "identify")
            assert "did not answer" in reply["err"]
            assert await bench.store.counters() == {"orders": 1, "orders_expired": 1}

    asyncio.run(scenario())


def test_an_unanswered_command_is_sent_again_when_its_node_speaks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, _node_cmd())
            bench.clock.advance(40_000)
            await _say(bench, "status", status(boots=_BOOTS))
            assert [command["do"] for _, command in bench.answers.commands] == ["identify"] * 2

    asyncio.run(scenario())


def test_a_reply_that_breaks_the_contract_is_quarantined_and_the_command_goes_on(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, _node_cmd())
            await _say(bench, "reply", b'{"id":"c-1","ok":"yes"}')
            assert await bench.store.ledger_sums() == {"quarantined": 1}
            assert bench.orders.waiting == 1

    asyncio.run(scenario())


def test_a_refused_command_is_answered_and_one_without_a_topic_is_not(tmp_path: Path) -> None:
    stranger = {"node": "n-240ac4000099", "do": "log"}

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, _node_cmd(args=stranger))
            await _give(bench, _command("dance"))
            without = json.loads(_node_cmd(args=stranger))
            del without["reply"]
            await _give(bench, json.dumps(without).encode())
            refused, unknown = await _replies(bench)
            assert "is not configured on gateway gw-01" in refused["err"]
            assert "expected one of" in unknown["err"]

    asyncio.run(scenario())


def test_an_acknowledgement_is_answered_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _say(bench, "alarm", pack(1, *smoke("alarm")))
            (first,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            for alarm in (first.topic.rpartition("/")[2], "gw-01-5f3a9c1e-9999"):
                args = {"alarm_id": alarm, "by": "Lan"}
                await _give(bench, _command("ack_alarm", args=args))
            done, unknown = await _replies(bench)
            assert done["ok"] is True
            assert unknown["err"] == "there is no alarm gw-01-5f3a9c1e-9999"
            assert await bench.alarms() == 2

    asyncio.run(scenario())


def test_resync_sends_every_open_alarm_again_byte_for_byte(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _say(bench, "alarm", pack(1, *smoke("alarm")))
        async with open_bench(tmp_path) as bench:
            (first,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            await bench.store.confirm(CENTRE, bench.store.epoch, [[1, 1]])
            await _give(bench, _command("resync"))
            (again,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert again.seq > first.seq
            assert again.topic == first.topic
            assert again.payload.partition(b",")[2] == first.payload.partition(b",")[2]
            await _give(bench, _command("resync"))
            done, soon = await _replies(bench)
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
            await _say(bench, "alarm", pack(1, *smoke("alarm")))
            for _ in range(4):
                bench.clock.advance(11_000)
                await _give(bench, _command("resync", exp_ms=2**45))
            assert len(await bench.store.pending(CENTRE, "alarm", 0, 10)) == 3
            assert (await bench.store.counters())["repeats_dropped"] == 2
            bench.clock.advance(61_000)
            await bench.pipeline.step()
            revised = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert len(revised) > 3, "what is new is always taken"
            await bench.store.confirm(CENTRE, bench.store.epoch, [[1, revised[-1].seq]])
            await _give(bench, _command("resync", exp_ms=2**45))
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
                await _give(bench, _command("dance"))
            assert len(await _replies(bench)) == 2
            assert await bench.store.counters() == {"replies_dropped": 3}
            await _say(bench, "alarm", pack(1, *smoke("alarm")))
            (alarm,) = await bench.store.pending(CENTRE, "alarm", 0, 10)
            assert alarm.seq == 3, "numbers have no gap"

    asyncio.run(scenario())
