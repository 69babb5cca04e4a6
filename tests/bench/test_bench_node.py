"""The bench itself: its smoke run goes through, and it says so where a figure misses its bound."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.chain import all_came
from bench.chain_books import Books, Decision
from bench.fast_gateway import Key
from bench.node import missed_bounds


def test_the_smoke_run_measures_every_part(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.node", "--quick"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["failed"] == {}, done.stderr[-6000:]
    assert figures["missed"] == []
    assert done.returncode == 0
    assert figures["chain_accepted"] > 0
    assert figures["drain_packs_per_s"] > 0
    assert figures["machine"]["micropython"]


@pytest.mark.parametrize(
    ("part", "missed"),
    [
        ({"acked_lost": 0, "control_lost": 7, "heap_peak_kib": 160}, []),
        ({"acked_lost": 1}, ["acked_lost is 1, must be <= 0"]),
        ({"control_lost": 0}, ["control_lost is 0, must be >= 1"]),
        ({"heap_peak_kib": 160.5}, ["heap_peak_kib is 160.5, must be <= 160"]),
        ({"heap_peak_kib": None, "another": 3}, []),
    ],
)
def test_a_figure_beyond_its_bound_is_named(part: dict[str, object], missed: list[str]) -> None:
    assert missed_bounds({"part": part}) == missed


_ALARM: Key = ("n-240ac4000001", "57b7a811", 46, 0)


class _Far:
    def __init__(self, *told: tuple[Key, str]) -> None:
        self._told = list(told)

    def delivered(self) -> set[Key]:
        return {key for key, _ in self._told}

    def told(self) -> list[tuple[Key, str]]:
        return self._told


@pytest.mark.parametrize(("far", "all_there"), [(_Far(), False), (_Far((_ALARM, "ok")), True)])
def test_the_chain_waits_for_an_alarm_that_only_the_console_told(
    far: _Far, all_there: bool
) -> None:
    books = Books(decisions=[Decision(_ALARM, 228, "ok")])
    assert all_came(far, books) is all_there
