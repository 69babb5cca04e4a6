"""The bench itself: its smoke run goes through, and it says so where a figure misses its bound."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
