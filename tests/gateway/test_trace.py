"""What a node measured comes out of the store as a trace that the tools can play."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from haidang_gateway import trace_cli
from haidang_gateway.__main__ import main
from haidang_gateway.batch import PackRow
from haidang_tools import traces
from haidang_wire.vocabulary import NAMES
from msgspec.structs import replace
from node_packs import NODE, START_MS
from store_kit import open_store, packs, row


def _pack(seq: int, second: int, **values: float | bool) -> PackRow:
    at_s = START_MS / 1000 + second
    records = [
        {"bt": at_s, "hu": 0, "n": name.replace("__", "/")}
        | ({"vb": value} if isinstance(value, bool) else {"v": value})
        for name, value in values.items()
    ]
    came_ms = START_MS + second * 1000
    return replace(row(seq, json.dumps(records).encode()), received_ms=came_ms)


def _stored(folder: Path) -> None:
    async def scenario() -> None:
        async with open_store(folder) as store:
            await store.commit(
                packs(
                    _pack(1, 0, flood__level=12, env__temp=30.25, node__queue=3),
                    _pack(2, 10, flood__level=40, smoke__contact=True),
                    _pack(3, 20, flood__level=-3),
                )
            )

    asyncio.run(scenario())


def test_a_trace_of_the_gateway_is_one_that_can_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _stored(tmp_path)
    settings = SimpleNamespace(data_dir=tmp_path, timezone="UTC")
    monkeypatch.setattr(trace_cli, "load", lambda _path: settings)
    begin, end = _iso(START_MS - 60_000), _iso(START_MS + 15_000)
    assert main(["trace", NODE, begin, end]) == 0
    told = capsys.readouterr().out
    trace = traces.read(told.splitlines(), "told")
    assert trace.columns == ("contact", "water_mm", "temp_c")
    assert [row.t_s for row in trace.rows] == [60.0, 70.0]
    assert trace.rows[0].values == {"water_mm": 12.0, "temp_c": 30.25}
    assert trace.rows[1].values == {"contact": 1.0, "water_mm": 40.0}
    for words, why in (
        ((end, begin), "is not before"),
        (("today", end), "write a time as"),
        ((_iso(0), _iso(1000)), "told nothing"),
    ):
        assert main(["trace", NODE, *words]) == 1
        said = capsys.readouterr()
        assert why in said.err
        assert said.out == "", "what goes into a file is a trace or nothing"


def test_every_column_is_one_of_a_trace_and_of_the_contract() -> None:
    assert set(trace_cli.COLUMNS.values()) <= set(traces.COLUMNS)
    assert set(trace_cli.COLUMNS) <= set(NAMES)


def _iso(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="seconds")[:19]
