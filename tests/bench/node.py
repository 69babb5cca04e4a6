"""All measurements of the node: `make bench-node`. The last line is one JSON object.

Exit code 1 where a part could not be measured or a figure misses its bound; both are named.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench.machine import facts
from bench.parts import LOG, Figures, show_progress

# Side by side within a group: what counts and takes no times may share the processor.
_GROUPS = (
    ("wasm",),
    ("flash_wear", "power_cuts", "chain"),
    ("serial_link",),
    ("traffic",),
    ("heap", "soak"),
)
PARTS = tuple(part for group in _GROUPS for part in group)

# What a figure must keep: name, comparison, bound. Losses and corruption are never weighed
# against anything, and a control that loses nothing proves that the harness sees nothing.
Bounds = tuple[tuple[str, str, float], ...]
_BOUNDS: Bounds = (
    ("acked_lost", "<=", 0),
    ("corrupt", "<=", 0),
    ("unexplained", "<=", 0),
    ("file_systems_lost", "<=", 0),
    ("unwritable_after_cut", "<=", 0),
    ("control_lost", ">=", 1),
    ("erases_per_record", "<=", 0.15),
    ("hottest_block_years", ">=", 20),
    ("heap_peak_kib", "<=", 160),
    ("mpy_resident_bytes", "<=", 61_440),
    ("heap_growth_kib", "<=", 1),
    ("heap_soak_most_kib", "<=", 160),
    ("soak_restarts", "<=", 0),
    ("soak_malformed", "<=", 0),
    ("soak_lost", "<=", 0),
    ("soak_fires_told", ">=", 1),
    ("sampling_allocations_32bit", "<=", 0),
    ("chain_accepted", ">=", 1),
    ("chain_alarm_decisions", ">=", 1),
    ("chain_acked_lost", "<=", 0),
    ("chain_lost", "<=", 0),
    ("chain_alarms_lost", "<=", 0),
    ("chain_corrupt", "<=", 0),
    ("chain_duplicates", "<=", 0),
    ("chain_uplink_missing", "<=", 0),
    ("chain_control_lost", ">=", 1),
)
# Too short a run to see the control's losses or a figure's size.
_NOT_WHEN_QUICK = {
    "control_lost",
    "chain_control_lost",
    "erases_per_record",
    "hottest_block_years",
    "heap_growth_kib",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a smoke run that proves nothing")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="some parts alone")
    parser.add_argument("--soak-hours", type=int, default=6, help="of the board's time; 6")
    options = parser.parse_args(arguments)
    show_progress()
    began_s = time.monotonic()
    given = {"soak": {"hours": options.soak_hours}}
    measured, failed = measure(options.only, options.quick, given)
    missed = [
        line
        for line in missed_bounds(measured)
        if not (options.quick and _name(line) in _NOT_WHEN_QUICK)
    ]
    machine = facts()
    seconds = round(time.monotonic() - began_s, 1)
    sys.stdout.write("\n".join(table(measured, machine, failed, missed)) + "\n")
    together = {name: value for figures in measured.values() for name, value in figures.items()}
    document = {
        **together,
        "ok": not failed and not missed,
        "failed": failed,
        "missed": missed,
        "quick": options.quick,
        "seconds": seconds,
        "machine": machine,
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return 1 if failed or missed else 0


def measure(
    parts: Sequence[str], quick: bool, given: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, Figures], dict[str, str]]:
    """The figures by part, and the reason by part that gave none.

    All parts side by side where quick, since then nobody asks for the figures' size. given: what
    a part is told besides `quick`.
    """
    measured: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    for group in (PARTS,) if quick else _GROUPS:
        chosen = [part for part in group if part in parts]
        if not chosen:
            continue
        with ThreadPoolExecutor(len(chosen)) as pool:
            results = list(pool.map(partial(_part, quick=quick, given=given), chosen))
        for name, result in zip(chosen, results, strict=True):
            if isinstance(result, str):
                failed[name] = result
            else:
                measured[name] = result
    return measured, failed


def _part(name: str, quick: bool, given: Mapping[str, Mapping[str, int]]) -> Figures | str:
    LOG.info("%s: begins", name)
    try:
        module = importlib.import_module(f"bench.{name}")
        figures: Figures = module.figures(quick=quick, **given.get(name, {}))
    except Exception as error:  # noqa: BLE001 - the other parts' figures are worth having
        LOG.exception("%s: failed", name)
        return f"{type(error).__name__}: {error}"
    LOG.info("%s: done", name)
    return figures


def missed_bounds(measured: dict[str, Figures], bounds: Bounds = _BOUNDS) -> list[str]:
    """A line for each figure beyond its bound; a figure that was not taken misses nothing."""
    together = {name: value for figures in measured.values() for name, value in figures.items()}
    missed = []
    for name, how, bound in bounds:
        value = together.get(name)
        if not isinstance(value, int | float):
            continue
        if value < bound if how == ">=" else value > bound:
            missed.append(f"{name} is {value}, must be {how} {bound:g}")
    return missed


def table(
    measured: dict[str, Figures],
    machine: dict[str, object],
    failed: dict[str, str],
    missed: list[str],
    bounds: Bounds = _BOUNDS,
) -> list[str]:
    """Lines for a reader."""
    shown = {name: f"{how} {bound:g}" for name, how, bound in bounds}
    lines = [f"{name:<12} {value}" for name, value in machine.items()]
    for part, figures in measured.items():
        lines += ["", part]
        lines += [
            f"  {name:<34} {_shown(value):>14}   {shown.get(name, '')}".rstrip()
            for name, value in figures.items()
        ]
    lines += ["", *(f"FAILED {part}: {why}" for part, why in failed.items())]
    lines += [f"MISSED {line}" for line in missed]
    return lines


def _name(line: str) -> str:
    return line.split(" ", 1)[0]


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
