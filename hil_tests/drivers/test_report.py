"""The result file: bench, firmware, and what became of each test."""

import json
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from rig.console import Console
from rig.report import Report, firmware_hash
from rig.virtual import VirtualBench
from stand_ins import terminal
from waiting import wait_until


def outcome(
    name: str,
    result: Literal["passed", "failed", "skipped"],
    when: Literal["setup", "call", "teardown"] = "call",
) -> pytest.TestReport:
    told = ("file", 1, "Skipped: needs power: no switch") if result == "skipped" else None
    properties = [("console", "/tmp/console.log")] if when == "call" else []  # noqa: S108  a text
    return pytest.TestReport(
        f"hil_tests/{name}",
        ("", 0, ""),
        {},
        result,
        told,
        when,
        (),
        1.25,
        user_properties=properties,
    )


def test_the_result_file_says_which_bench_ran_what_with_which_firmware(tmp_path: Path) -> None:
    path = tmp_path / "results" / "hil.jsonl"
    report = Report(path, VirtualBench())
    assert report.summary() == []
    report.take(outcome("test_a.py::test_a", "passed", "setup"))
    report.take(outcome("test_a.py::test_a", "passed"))
    report.take(outcome("test_a.py::test_b", "failed"))
    report.take(outcome("test_a.py::test_c", "skipped", "setup"))
    report.take(outcome("test_a.py::test_d", "failed", "teardown"))
    report.take(outcome("drivers/test_x.py::test_x", "passed"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["bench"] == "virtual board"
    assert lines[0]["firmware"] == firmware_hash()
    assert lines[0]["lacks"] == {}
    assert [line["outcome"] for line in lines[1:]] == ["passed", "failed", "skipped", "error"]
    assert lines[1]["console"] == "/tmp/console.log"  # noqa: S108  a text
    assert lines[3]["reason"] == "needs power: no switch"
    summary = report.summary()
    assert "1 error, 1 failed, 1 passed, 1 skipped" in summary[1]
    assert summary[2] == "skipped 1: needs power: no switch"


def test_the_console_is_recorded_over_a_port_that_goes_and_comes(tmp_path: Path) -> None:
    port = tmp_path / "port"
    record = tmp_path / "console.log"
    with Console(str(port), record) as console:
        for words in ("first life", "second life"):
            with terminal() as (far, path):
                port.symlink_to(path)
                wait_until(lambda: console.text.endswith("is there]\n"), "the port opened")
                _say(far, words)
                wait_until(partial(_has, console, words), words)
                port.unlink()
            wait_until(lambda: "went away" in console.text.splitlines()[-1], "the end")
        assert record.read_bytes().decode() == console.text
    assert console.text.count("the port went away") == 2


def _has(console: Console, words: str) -> bool:
    return words in console.text


def _say(far: int, words: str) -> None:
    with open(far, "wb", buffering=0, closefd=False) as line:
        line.write(words.encode())
