"""Commands and replies that nobody sane would send: the gateway lives on and tells no secret."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.commands import wish_of
from haidang_gateway.fleet.order import Order
from haidang_gateway.fleet.orders import Orders
from haidang_gateway.inbox import Durable
from haidang_wire import messages
from node_packs import NODE, START_MS
from pipeline_kit import Bench, open_bench

TOPIC = "hd/1/g/gw-01/reply"
WIFI_KEY = "mật khẩu 12345"


def _order(**more: Any) -> Order:
    wish: dict[str, Any] = {
        "id": "t-1",
        "origin": "local",
        "by": "Lan",
        "node": NODE,
        "do": "config",
    }
    args = {"set": {"wifi": [{"ssid": "a", "password": WIFI_KEY}]}}
    return Order(**(wish | {"do": "config", "exp_ms": START_MS + 60_000, "args": args} | more))


def _command(do: str, **fields: Any) -> bytes:
    document = {"id": "o-1", "do": do, "exp_ms": START_MS + 60_000, "reply": TOPIC} | fields
    return json.dumps(document).encode()


async def _give(bench: Bench, item: Durable) -> None:
    told = asyncio.create_task(bench.inbox.tell_durably(item))
    await asyncio.sleep(0)
    await bench.pipeline.step()
    await told


async def _give_centre(bench: Bench, payload: bytes) -> None:
    wish = wish_of(payload, "gw-01", bench.clock.now_ms())
    assert wish is not None
    await _give(bench, wish)


async def _replies(bench: Bench) -> list[dict[str, Any]]:
    sent = await bench.store.pending(CENTRE, "reply", 0, 10)
    return [messages.decode("centre_reply", message.payload) for message in sent]


def test_a_reply_that_grows_beyond_the_centres_limit_does_not_stop_the_gateway(
    tmp_path: Path,
) -> None:
    # A node may write 1e15 in 4 bytes; JSON that is written again spells it out.
    out = ",".join(["1e15"] * 1500)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give_centre(
                bench, _command("node_cmd", args={"node": NODE, "do": "log", "by": "Lan"})
            )
            ((_, command),) = bench.answers.commands
            reply = f'{{"id":"{command["id"]}","ok":true,"out":{{"lines":[{out}]}}}}'
            bench.arrive("reply", reply.encode(), 1)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            (answer,) = await _replies(bench)
            assert (answer["cmd"], answer["ok"]) == ("o-1", True)
            assert "too long" in answer["out"]["note"]

    asyncio.run(scenario())


def test_an_error_longer_than_a_reply_may_be_is_cut(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(9):
        deep = [deep]

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give_centre(bench, _command("resync", **{"x" * 3000: deep}))
            (answer,) = await _replies(bench)
            assert answer["ok"] is False
            assert len(answer["err"]) == 1000

    asyncio.run(scenario())


def test_a_program_error_over_an_order_is_answered_and_its_secret_stays_out_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Orders, "take", trip)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, _order())
            (answer,) = bench.answered
            assert answer.final
            assert "error in the gateway's program" in answer.said["err"]
            args = {"node": NODE, "do": "config", "args": {"set": {"wifi": WIFI_KEY}}}
            await _give_centre(bench, _command("node_cmd", args=args))
            (reply,) = await _replies(bench)
            assert (reply["cmd"], reply["ok"]) == ("o-1", False)

    caplog.set_level(logging.DEBUG)
    asyncio.run(scenario())
    assert "could not be handled" in caplog.text
    assert WIFI_KEY not in caplog.text


def test_nobody_writes_lines_of_his_own_into_the_log_or_the_audit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forged = "Lan\nWARNING all is well\x1b[2J"

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            args = {"node": NODE, "do": "log", "by": forged}
            await _give_centre(bench, _command("node_cmd", id="o\n1", args=args))
            reply = json.dumps({"id": "c\n-7\x1b", "ok": True}).encode()
            bench.arrive("reply", reply, 1)
            bench.clock.advance(1000)
            await bench.pipeline.step()

    caplog.set_level(logging.DEBUG)
    asyncio.run(scenario())
    told = [record.getMessage() for record in caplog.records if "haidang" in record.name]
    assert any("Lan" in line for line in told)
    assert any("not known here" in line for line in told)
    assert [line for line in told if not line.isprintable()] == []


def test_what_is_finished_is_kept_without_its_secrets(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, _order())
            ((_, command),) = bench.answers.commands
            assert WIFI_KEY in json.dumps(await bench.store.commands(), ensure_ascii=False)
            bench.arrive("reply", json.dumps({"id": command["id"], "ok": True}).encode(), 1)
            bench.clock.advance(1000)
            await bench.pipeline.step()
            assert WIFI_KEY not in json.dumps(await bench.store.commands(), ensure_ascii=False)
        async with open_bench(tmp_path) as bench:
            await _give(bench, _order())
            assert [answer.said["ok"] for answer in bench.answered] == [True], "still known"
            other = _order(args={"set": {"wifi": []}})
            await _give(bench, other)
            assert "was used before" in bench.answered[-1].said["err"]

    asyncio.run(scenario())
