"""All measurements of the sensors: `make bench-sensors`. The last line is one JSON object.

Exit code 1 where a part could not be measured or a figure misses its bound; both are named.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from bench.machine import facts
from bench.node import Bounds, missed_bounds, table
from bench.parts import LOG, Figures, show_progress

# The longest first.
PARTS = ("footfall", "flood", "smoke", "sampling")
_WORKERS = 2

BOUNDS: Bounds = (
    ("false_floods", "<=", 0),
    ("flood_missed", "<=", 0),
    ("level_rmse_mm", "<=", 10),
    ("devices_median_abs_error_pct", "<=", 15),
    ("devices_coverage_pct", ">=", 85),
    ("devices_coverage_pct", "<=", 97),
    ("three_phones_told_pct", "<=", 2),
    ("four_phones_told_pct", "<=", 5),
    ("kept_bytes_64_bit", "<=", 4096),
    ("false_alarms_per_year", "<=", 0),
    ("fires_missed", "<=", 0),
    ("leaks", "<=", 0),
    ("leak_controls", ">=", 1),
    ("sampling_steps_that_allocate", "<=", 0),
)
# Words of the document itself; a part's figure of that name gets the part's name before it.
_OURS = {"ok", "failed", "missed", "quick", "seconds", "machine"}
# A handful of crowds says nothing about a median.
_NOT_WHEN_QUICK = {"devices_median_abs_error_pct", "devices_coverage_pct", "level_rmse_mm"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a smoke run that proves nothing")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="some parts alone")
    options = parser.parse_args(arguments)
    show_progress()
    began_s = time.monotonic()
    measured, failed = _measured(options.only, options.quick)
    missed = [
        line
        for line in missed_bounds(measured, BOUNDS)
        if not (options.quick and line.split(" ", 1)[0] in _NOT_WHEN_QUICK)
    ]
    machine = facts()
    sys.stdout.write("\n".join(table(measured, machine, failed, missed, BOUNDS)) + "\n")
    together = {name: value for figures in measured.values() for name, value in figures.items()}
    document = {
        **together,
        "ok": not failed and not missed,
        "failed": failed,
        "missed": missed,
        "quick": options.quick,
        "seconds": round(time.monotonic() - began_s, 1),
        "machine": machine,
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return 1 if failed or missed else 0


def _measured(parts: Sequence[str], quick: bool) -> tuple[dict[str, Figures], dict[str, str]]:
    measured: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    with ProcessPoolExecutor(_WORKERS) as pool:
        futures = {name: pool.submit(part, name, quick) for name in PARTS if name in parts}
        for name, future in futures.items():
            try:
                measured[name] = {
                    f"{name}_{key}" if key in _OURS else key: value
                    for key, value in future.result().items()
                }
            except Exception as error:  # noqa: BLE001 - the other parts' figures are worth having
                LOG.exception("%s: failed", name)
                failed[name] = f"{type(error).__name__}: {error}"
    return measured, failed


def part(name: str, quick: bool) -> Figures:
    """The figures of one part, in a process of its own."""
    if not LOG.handlers:
        show_progress()
    LOG.info("%s: begins", name)
    figures: Figures = importlib.import_module(f"bench.{name}").figures(quick=quick)
    LOG.info("%s: done", name)
    return figures


if __name__ == "__main__":
    sys.exit(main())
