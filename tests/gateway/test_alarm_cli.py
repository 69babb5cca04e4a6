"""Persons at the gateway without a centre: alarms seen, acted on, durable, once, by whom."""

import asyncio
import contextlib
import getpass
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from haidang_gateway import alarm_cli, text_list
from haidang_gateway.__main__ import main
from haidang_gateway.commands import Refused, Wish
from haidang_gateway.control import Control
from haidang_gateway.control_request import asked
from haidang_gateway.model import AckAlarm, Report
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_wire.document_words import CERTAINTIES, SEVERITIES
from haidang_wire.errors import WireError
from node_packs import START_MS, pack, smoke
from pipeline_kit import Bench, open_bench
from waiting import DEADLINE_S, wait_until

_LATER = "2025-11-25T00:00"
_NOW = "2025-11-24T23:00"
_ALARM = "gw-01-5f3a9c1e-0001"

Say = Callable[..., Awaitable[str]]


@contextlib.asynccontextmanager
async def _gateway(folder: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Say]:
    """A working gateway with one fire; `say(*words, done=...)` is the command and its words."""
    async with open_bench(folder) as bench, asyncio.timeout(DEADLINE_S):
        control = Control(folder, clock=bench.clock, on_order=bench.inbox.tell_durably)  # type: ignore[arg-type]
        bench.arrive("alarm", pack(0, *smoke("alarm")), 1)
        await bench.pipeline.step()
        tasks = [asyncio.create_task(work) for work in (control.run(), _work(bench, control))]
        await asyncio.to_thread(wait_until, (folder / "control").is_socket, "the socket", 30)

        async def say(*words: str, done: bool = True) -> str:
            status = await asyncio.to_thread(main, ["alarm", *words])
            said = capsys.readouterr()
            told = str(said.out + said.err)
            assert status == (0 if done else 1), told
            return told

        try:
            yield say
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _work(bench: Bench, control: Control) -> None:
    while True:
        await bench.pipeline.step()
        while bench.answered:
            control.answer(bench.answered.pop(0))


@pytest.fixture
def at_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = SimpleNamespace(data_dir=tmp_path, timezone="Asia/Ho_Chi_Minh")
    monkeypatch.setattr(alarm_cli, "load", lambda _path: settings)
    monkeypatch.setenv("SUDO_USER", "Lan")
    return tmp_path


def _rows(folder: Path, kind: str) -> list[str]:
    with reading(folder / "haidang.db") as connection:
        return [row[3] for row in queries.audit_rows(connection) if row[2] == kind]


def test_an_officer_without_a_centre_sees_and_ends_an_alarm(
    at_gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        async with _gateway(at_gateway, capsys) as say:
            shown = await say("list")
            assert "nghi ngờ, nghiêm trọng, có thể" in shown
            assert "Nghi cháy" in shown
            assert "tiếp nhận" not in shown
            assert "suspected, Severe, Possible" in await say("list", "--lang", "en")
            name = shown.split()[0]
            assert await say("ack", "1") == "done\n"
            assert " by Lan (account " in await say("list", "--lang", "en")
            assert "  Lan (account " in await say("list")
            assert ") đã tiếp nhận lúc 20" in await say("list")
            assert "may not be shelved" in await say("shelve", "1", _LATER, done=False)
            assert await say("report", "fire", "m", "--by", "patrol 7", "--seen", _NOW) == "done\n"
            (alarm,) = json.loads(await say("list", "--json"))
            assert (alarm["id"], alarm["state"], alarm["certainty"]) == (
                name,
                "confirmed",
                "Observed",
            )
            assert await say("dismiss", name) == "done\n"
            assert await say("list") == "không có báo động nào đang mở\n"
            assert await say("list", "--lang", "en") == "no alarm is open\n"
            assert "is over already" in await say("dismiss", name, done=False)

    asyncio.run(scenario())
    account = f"account {getpass.getuser()}"
    (report,) = _rows(at_gateway, "report")
    assert report.startswith(f"fire at m by patrol 7 ({account}/t-")
    (dismissal,) = _rows(at_gateway, "dismissal")
    assert f" by Lan ({account}) (" in dismissal


def test_an_exercise_is_held_from_the_gateway(
    at_gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        async with _gateway(at_gateway, capsys) as say:
            early = await say("inject", "m", "smoke", "alarm", done=False)
            assert "there is no exercise at m" in early
            await say("exercise", "m", _LATER)
            await say("inject", "m", "smoke", "alarm", "--source", "tay diễn")
            shown = await say("list")
            assert "DIỄN TẬP: " in shown
            assert f"diễn tập tại m đến {_LATER}, do Lan (account " in shown
            shown = await say("list", "--lang", "en")
            assert f"exercise at m until {_LATER}, by Lan (account " in shown
            await say("exercise", "m", _NOW)
            assert "DIỄN TẬP" not in await say("list")
            assert "smoke cannot be wet" in await say("inject", "m", "smoke", "wet", done=False)

    asyncio.run(scenario())


def test_an_act_given_again_under_its_id_is_done_once(
    at_gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("report", "flood", "m", "--by", "7", "--seen", _NOW, "--id", "t-1")

    async def scenario() -> None:
        for _ in range(2):
            async with _gateway(at_gateway, capsys) as say:
                assert await say(*words) == "done\n"
        assert len(_rows(at_gateway, "report")) == 1

    asyncio.run(scenario())


def test_where_no_gateway_runs_nothing_was_done_and_it_is_said_how_to_start_one(
    at_gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alarm", "ack", _ALARM, "--id", "t-7"]) == 1
    told = capsys.readouterr().err
    assert "systemctl start haidang-gateway" in told
    assert "may have been done" not in told
    assert main(["alarm", "list"]) == 1
    assert "has the gateway run yet?" in capsys.readouterr().err
    assert main(["alarm", "exercise", "m", "soon"]) == 1
    assert "soon: no time; write 2h" in capsys.readouterr().err
    assert main(["alarm", "report", "fire", "m", "--seen", "soon"]) == 1
    assert "soon: no time; write 5m (ago)" in capsys.readouterr().err


def test_where_a_gateway_goes_away_meanwhile_it_is_said_how_to_give_it_once_more(
    at_gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at_gateway / "control"))
        listener.listen()

        def hang_up() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(65536)

        visit = threading.Thread(target=hang_up, name="a gateway that ends")
        visit.start()
        assert main(["alarm", "ack", _ALARM, "--id", "t-7"]) == 1
        visit.join()
    assert "it may have been done: give it again with --id t-7" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["2", "9999"])
def test_a_number_that_no_open_alarm_has_is_refused(
    at_gateway: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    async def scenario() -> None:
        async with _gateway(at_gateway, capsys) as say:
            assert f"no open alarm has the number {number}" in await say("ack", number, done=False)

    asyncio.run(scenario())


def _asked(account: str = "account root", **request: Any) -> Wish:
    base = {"act": "ack_alarm", "args": {"alarm_id": _ALARM}, "id": "t-1", "wait_s": 60}
    wish = asked(json.dumps(base | request).encode(), account, START_MS)
    assert isinstance(wish, Wish)
    return wish


def test_who_acts_is_whom_the_kernel_names_whatever_the_visitor_says() -> None:
    args = {"alarm_id": _ALARM, "by": "the mayor"}
    what = _asked(args=args, by="x\x1b" * 100).what
    assert isinstance(what, AckAlarm)
    assert "mayor" not in what.by
    assert what.by.endswith("x\ufffd (account root)") or what.by.endswith(" (account root)")
    assert len(what.by) == 80
    assert what.by.isprintable()
    assert _asked("account a").id != _asked("account b").id


def test_a_report_of_long_ago_is_refused_in_its_own_words() -> None:
    seen = {"hazard": "fire", "place": "m", "time": "2025-11-24T22:00:00.000+07:00"}
    assert isinstance(_asked(act="report", args=seen).what, Refused)
    now = seen | {"time": "2025-11-24T23:00:00.000+07:00"}
    report = _asked(act="report", args=now, by="Lan").what
    assert isinstance(report, Report)
    assert report.source == "report:Lan (account root)"


@pytest.mark.parametrize(
    "request_",
    [
        {"act": "resync"},
        {"act": "node_cmd"},
        {"act": ["ack_alarm"]},
        {"id": "a/b"},
        {"id": ""},
        {"id": 7},
        {"args": []},
        {"args": {"alarm_id": "x"}},
        {"wait_s": 0},
    ],
)
def test_what_is_no_act_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises((ValueError, WireError)):
        _asked(**request_)


def test_every_word_that_an_open_alarm_may_have_is_listed_in_vietnamese() -> None:
    for state in ("suspected", "confirmed"):
        for severity in SEVERITIES:
            for certainty in CERTAINTIES:
                alarm = {"state": state, "severity": severity, "certainty": certainty}
                assert text_list.words(alarm, "en") == f"{state}, {severity}, {certainty}"
                said = text_list.words(alarm, "vi")
                assert said.count(", ") == 2
                assert not {state, severity, certainty} & set(said.split(", "))
