"""`make bench-forward`: durable forwarding, alarms beside a backlog, growth; last line: JSON.

Exit code 1 where a part gave no figures or one misses its bound; both are named.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence

from bench.machine import facts
from bench.node import Bounds, missed_bounds, table
from bench.parts import LOG, Figures, show_progress

PARTS = ("race", "thingsboard", "alarms", "growth")
_BOUNDS: Bounds = (
    ("lost_5000", "<=", 0),
    ("lost_20000", "<=", 0),
    ("decoded_5000", ">=", 5_000),
    ("acked_5000", ">=", 5_000),
    ("decoded_20000", ">=", 20_000),
    ("acked_20000", ">=", 20_000),
    ("ours_to_bridge_5000", ">=", 1.0),
    ("ours_to_bridge_20000", ">=", 1.5),
    ("disk_to_bridge_20000", "<=", 0.05),
    ("ours_to_thingsboard", ">=", 10.0),
    ("alarm_idle_missing", "<=", 0),
    ("alarm_backlog_missing", "<=", 0),
    ("alarm_idle_p99_ms", "<=", 50),
    ("alarm_backlog_p99_ms", "<=", 250),
    ("recovery_ready_s", "<=", 1.0),
    ("backlog_rss_most_mb", "<=", 120),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts one after the other: they take times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run that proves nothing")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="some parts alone")
    options = parser.parse_args(arguments)
    show_progress()
    began_s = time.monotonic()
    measured: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    for part in options.only:
        LOG.info("%s: begins", part)
        try:
            figures = importlib.import_module(f"bench.forward_{part}").figures
            measured[part] = figures(quick=options.quick)
        except Exception as error:  # noqa: BLE001 - the other parts' figures are worth having
            LOG.exception("%s: failed", part)
            failed[part] = f"{type(error).__name__}: {error}"
    _compare(measured)
    missed = [] if options.quick else missed_bounds(measured, _BOUNDS)
    machine = facts()
    sys.stdout.write("\n".join(table(measured, machine, failed, missed, _BOUNDS)) + "\n")
    document = {name: value for figures in measured.values() for name, value in figures.items()}
    document |= {
        "ok": not failed and not missed,
        "failed": failed,
        "missed": missed,
        "quick": options.quick,
        "seconds": round(time.monotonic() - began_s, 1),
        "machine": machine,
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return 1 if failed or missed else 0


def _compare(measured: dict[str, Figures]) -> None:
    theirs = measured.get("thingsboard", {}).get("thingsboard_msgs_per_s")
    ours = measured.get("race", {}).get("ours_msgs_per_s_5000")
    if isinstance(theirs, int | float) and isinstance(ours, int | float) and theirs:
        measured["thingsboard"]["ours_to_thingsboard"] = round(ours / theirs, 1)


if __name__ == "__main__":
    sys.exit(main())
