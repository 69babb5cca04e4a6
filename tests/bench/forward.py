"""`make bench-forward`: durable forwarding, peers, alarms beside a backlog, growth; JSON last.

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

PARTS = ("race", "held", "thingsboard", "alarms", "growth")
# Minutes for one figure: only where it is asked for.
_LONG_PARTS = ("rss",)
# Of the bridge in each scene: n, the least ratio of rates.
_AIMS = ((5_000, 1.0), (20_000, 1.5))
_SCENES = ("", "apart_", "window_10_", "held_")
_BOUNDS: Bounds = (
    *(
        bound
        for scene in _SCENES
        for n, least in _AIMS
        for bound in (
            (f"lost_{scene}{n}", "<=", 0.0),
            (f"decoded_{scene}{n}", ">=", n),
            (f"acked_{scene}{n}", ">=", n),
            (f"ours_to_bridge_{scene}{n}", ">=", least),
            (f"disk_to_bridge_{scene}{n}", "<=", 0.05),
        )
    ),
    ("ours_to_thingsboard", ">=", 10.0),
    ("ours_beside_thingsboard_lost", "<=", 0),
    ("alarm_idle_missing", "<=", 0),
    ("alarm_backlog_missing", "<=", 0),
    ("alarm_idle_p99_ms", "<=", 50),
    ("alarm_backlog_p99_ms", "<=", 250),
    ("recovery_ready_s", "<=", 1.0),
    ("backlog_rss_most_mb", "<=", 120),
    ("rss_most_mb", "<=", 120),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts one after the other: they take times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run that proves nothing")
    parser.add_argument(
        "--part",
        "--only",
        dest="only",
        choices=(*PARTS, *_LONG_PARTS),
        nargs="+",
        default=PARTS,
        help="some parts alone; rss (minutes) only so",
    )
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
    missed = [] if options.quick else missed_bounds(measured, _BOUNDS)
    machine = facts()
    sys.stdout.write("\n".join(table(measured, machine, failed, missed, _BOUNDS)) + "\n")
    document = {name: value for figures in measured.values() for name, value in figures.items()}
    document |= {
        "ok": not failed and not missed,
        "failed": failed,
        "missed": missed,
        "bounds": {} if options.quick else judged(measured),
        "quick": options.quick,
        "seconds": round(time.monotonic() - began_s, 1),
        "machine": machine,
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return 1 if failed or missed else 0


def judged(measured: dict[str, Figures]) -> dict[str, str]:
    """What is asked of each figure that was taken, and whether it is met."""
    taken = {name for figures in measured.values() for name in figures}
    missed = {line.partition(" ")[0] for line in missed_bounds(measured, _BOUNDS)}
    return {
        name: f"{how} {bound:g}: {'MISSED' if name in missed else 'met'}"
        for name, how, bound in _BOUNDS
        if name in taken
    }


if __name__ == "__main__":
    sys.exit(main())
