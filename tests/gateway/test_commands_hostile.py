"""Commands and replies that nobody sane would send: the gateway lives on and tells no secret."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_kit import centre_command, give, replies
from haidang_gateway.commands import wish_of
from haidang_gateway.control_request import asked
from haidang_gateway.fleet.order import Order
from haidang_gateway.fleet.orders import Orders
from haidang_wire.errors import MessageError
from node_packs import NODE, START_MS
from pipeline_kit import open_bench

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


def test_a_reply_that_grows_beyond_the_centres_limit_does_not_stop_the_gateway(
    tmp_path: Path,
) -> None:
    # A node may write 1e15 in 4 bytes; JSON that is written again spells it out.
    out = ",".join(["1e15"] * 1500)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(
                bench, centre_command("node_cmd", args={"node": NODE, "do": "log", "by": "Lan"})
            )
            ((_, command),) = bench.answers.commands
            reply = f'{{"id":"{command["id"]}","ok":true,"out":{{"lines":[{out}]}}}}'
            await bench.hear("reply", reply.encode())
            (answer,) = await replies(bench)
            assert (answer["cmd"], answer["ok"]) == ("o-1", True)
            assert "too long" in answer["out"]["note"]

    asyncio.run(scenario())


def test_an_error_longer_than_a_reply_may_be_is_cut(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(9):
        deep = [deep]

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await give(bench, centre_command("resync", **{"x" * 3000: deep}))
            (answer,) = await replies(bench)
            assert answer["ok"] is False
            assert len(answer["err"]) == 1000

    asyncio.run(scenario())


def test_a_command_whose_id_cannot_be_written_does_not_stop_the_gateway(tmp_path: Path) -> None:
    # Half of a surrogate pair; a broker would bring the command again after every restart.
    payload = b'{"id":"\\ud800","do":"resync","exp_ms":1,"reply":"hd/1/g/gw-01/reply"}'
    assert wish_of(payload, "gw-01", START_MS) is None

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            named = payload.replace(b"\\ud800", b"o-1")
            await give(bench, named.replace(b"}", b',"x":"\\ud800"}'))
            (answer,) = await replies(bench)
            assert (answer["cmd"], answer["ok"]) == ("o-1", False)

    asyncio.run(scenario())


@pytest.mark.parametrize("field", ["text", "by"])
def test_words_of_a_terminal_in_another_encoding_are_refused_to_their_writer(field: str) -> None:
    # Python passes the byte 0xE1 of an argument on as half of a surrogate pair.
    time = datetime.fromtimestamp(START_MS / 1000, UTC).isoformat(timespec="milliseconds")
    args = {"hazard": "fire", "place": "market", "time": time, "text": "x", field: "ch\udce1y"}
    request = {"act": "report", "args": args, "id": "t-1", "wait_s": 60, "by": "Lan"}
    with pytest.raises(MessageError, match="surrogate"):
        asked(json.dumps(request).encode(), "root", START_MS)


def test_a_program_error_over_an_order_is_answered_and_its_secret_stays_out_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Orders, "take", trip)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.tell(_order())
            (answer,) = bench.answered
            assert answer.final
            assert "error in the gateway's program" in answer.said["err"]
            args = {"node": NODE, "do": "config", "args": {"set": {"wifi": WIFI_KEY}}}
            await give(bench, centre_command("node_cmd", args=args))
            (reply,) = await replies(bench)
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
            await give(bench, centre_command("node_cmd", id="o\n1", args=args))
            reply = json.dumps({"id": "c\n-7\x1b", "ok": True}).encode()
            await bench.hear("reply", reply)

    caplog.set_level(logging.DEBUG)
    asyncio.run(scenario())
    told = [record.getMessage() for record in caplog.records if "haidang" in record.name]
    assert any("Lan" in line for line in told)
    assert any("not known here" in line for line in told)
    assert [line for line in told if not line.isprintable()] == []


def test_what_is_finished_is_kept_without_its_secrets(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await bench.tell(_order())
            ((_, command),) = bench.answers.commands
            assert WIFI_KEY in json.dumps(await bench.store.commands(), ensure_ascii=False)
            await bench.hear("reply", json.dumps({"id": command["id"], "ok": True}).encode())
            assert WIFI_KEY not in json.dumps(await bench.store.commands(), ensure_ascii=False)
        async with open_bench(tmp_path) as bench:
            await bench.tell(_order())
            assert [answer.said["ok"] for answer in bench.answered] == [True], "still known"
            other = _order(args={"set": {"wifi": []}})
            await bench.tell(other)
            assert "was used before" in bench.answered[-1].said["err"]

    asyncio.run(scenario())
