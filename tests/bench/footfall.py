"""The footfall sensor in 100 simulated crowds, beside a counter of addresses; speed, RAM, leaks.

Crowds of 10 to 5,000 phones, other seeds than any that the estimator was made with. The third
told window counts, and the first beside it: what is learnt in place needs windows.
"""

import json
import os
import statistics
import subprocess
from collections.abc import Iterable
from pathlib import Path

from haidang_board import rig_process

from bench import footfall_leaks, stand
from bench.footfall_crowds import Count, Place
from bench.parts import LOG, Figures, main

_FIRST_SEED = 40_000
_CROWDS = 100
_WINDOWS = 3
_WINDOW_S = 300.0
_SCRIPT = Path(__file__).with_name("on_node_footfall.py")
_FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
_BANDS = ((0, 50), (50, 300), (300, 1000), (1000, 6000))
_RUNS = 3


def figures(quick: bool = False) -> Figures:
    """All measurements; quick: five crowds, two windows, no leak search."""
    crowds, windows = (5, 2) if quick else (_CROWDS, _WINDOWS)
    LOG.info("footfall: %d crowds", crowds)
    told = [counted(seed, windows, _WINDOW_S, 1.0) for seed in range(crowds)]
    first, last = [counts[0] for counts in told], [counts[-1] for counts in told]
    result: Figures = {
        "crowds": crowds,
        "window_s": int(_WINDOW_S),
        **errors("devices", last),
        "devices_first_window_median_abs_error_pct": _median_pct(c.error for c in first),
        "interval_first_window_coverage_pct": _coverage_pct(first),
    }
    for least, most in _BANDS:
        group = [c for c in last if least <= c.present < most]
        if group:
            name = f"devices_{least}_to_{most}_median_abs_error_pct"
            result[name] = _median_pct(c.error for c in group)
    result["crowds_withheld"] = sum(count.devices == 0 for count in last)
    result |= _few(quick)
    result["libpax_median_abs_error_pct"] = _median_pct(c.libpax_error for c in last)
    if not quick:
        result |= _elsewhere(windows)
        with stand.scratch("leaks") as folder:
            search = footfall_leaks.run(folder)
        LOG.info("footfall: %s", search)
        result["leaks"] = search.leaks
        result["leak_controls"] = search.controls
        result["leaks_addresses"] = search.addresses
        result["leaks_searched_bytes"] = search.searched_bytes
    return result | _speed()


def counted(seed: int, windows: int, window_s: float, rarer: float) -> list[Count]:
    """The told windows of one crowd."""
    return list(Place(_FIRST_SEED + seed, window_s, rarer).windows(windows))


def _few(quick: bool) -> Figures:
    # How often a count is told of so few phones that it must not be.
    places = 5 if quick else _CROWDS
    result: Figures = {}
    for name, phones in (("three", 3), ("four", 4)):
        told = [
            count.devices > 0
            for seed in range(places)
            for count in Place(_FIRST_SEED + seed, _WINDOW_S, 1.0, phones).windows(_WINDOWS)
        ]
        result[f"{name}_phones_told_pct"] = round(100 * sum(told) / len(told), 1)
    return result


def errors(name: str, counts: list[Count]) -> Figures:
    """How far off, to which side, and how often inside the interval."""
    widths = [(count.high - count.low) / count.present for count in counts]
    return {
        f"{name}_median_abs_error_pct": _median_pct(count.error for count in counts),
        f"{name}_median_error_pct": round(
            100 * statistics.median(count.error for count in counts), 1
        ),
        f"{name}_coverage_pct": _coverage_pct(counts),
        f"{name}_median_interval_pct": round(100 * statistics.median(widths), 1),
    }


def _elsewhere(windows: int) -> Figures:
    # Where the sensor is worse, told beside where it is good.
    result: Figures = {}
    for name, window_s, rarer in (
        ("window_60_s", 60.0, 1.0),
        ("scans_2_times_rarer", _WINDOW_S, 2.0),
        ("scans_4_times_rarer", _WINDOW_S, 4.0),
    ):
        LOG.info("footfall: %s", name)
        counts = [counted(seed, windows, window_s, rarer)[-1] for seed in range(40)]
        result |= errors(name, counts)
    return result


def _speed() -> Figures:
    result: Figures = {}
    for name in ("plain", "viper"):
        runs = [_on_micropython(name) for _ in range(_RUNS)]
        result[f"lines_per_s_{name}"] = max(run["lines_per_s"] for run in runs)
        result["kept_bytes_64_bit"] = runs[0]["kept_bytes"]
    return result


def _on_micropython(name: str) -> dict[str, int]:
    done = subprocess.run(
        [rig_process.interpreter(), "-X", "heapsize=4M", str(_SCRIPT), name],
        env={**os.environ, "MICROPYPATH": f"{_FIRMWARE}:.frozen"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    result: dict[str, int] = json.loads(done.stdout)
    return result


def _median_pct(values: Iterable[float]) -> float:
    return round(100 * statistics.median(abs(value) for value in values), 1)


def _coverage_pct(counts: list[Count]) -> float:
    return round(100 * sum(count.covered for count in counts) / len(counts), 1)


if __name__ == "__main__":
    main(figures)
