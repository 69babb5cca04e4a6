"""Power cuts at every flash operation of a 300-record run, in four tear modes, and a control.

Real MicroPython, its LittleFS, the flash model of the virtual board. The run has alarms and
telemetry, late acknowledgements, a restart, and a full outbox that drops telemetry.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench import interpreter, parts

_PACKS = 300
# So many processes share the cut points.
_PARTS = 2
_OF_THE_RUN = ("operations", "dropped", "bad_programs")


def cut(packs: int, step: int, mode: str) -> dict[str, int]:
    """What cuts at every `step`-th operation gave; mode "honest" or "forgetful" (no flush)."""
    with ThreadPoolExecutor(_PARTS) as pool:
        first, *others = pool.map(partial(_part, packs, step, mode), range(_PARTS))
    return {
        kind: count if kind in _OF_THE_RUN else count + sum(other[kind] for other in others)
        for kind, count in first.items()
    }


def _part(packs: int, step: int, mode: str, part: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "flash.img"
        arguments = (packs, step, mode, part, _PARTS)
        return interpreter.run("on_node_cuts.py", image, *arguments, heap="32M")


def figures(quick: bool = False) -> parts.Figures:
    """`cut_points` is operations times tear modes; all but the control's losses must be 0."""
    parts.LOG.info("power cuts: every flash operation of %s records", _PACKS)
    honest = cut(_PACKS, 200 if quick else 1, "honest")
    parts.LOG.info("power cuts: the control without flush")
    control = cut(_PACKS, 200 if quick else 20, "forgetful")
    return {
        "cut_points": honest["cut_points"],
        "cut_operations": honest["operations"],
        "acked_lost": honest["lost"],
        "corrupt": honest["corrupt"],
        "file_systems_lost": honest["file_systems_lost"],
        "unexplained": honest["unexplained"],
        "unwritable_after_cut": honest["unwritable"],
        "telemetry_dropped_in_run": honest["dropped"],
        "repeated_per_cut": round(honest["repeated"] / honest["cut_points"], 1),
        "control_lost": control["lost"],
    }


if __name__ == "__main__":
    parts.main(figures)
