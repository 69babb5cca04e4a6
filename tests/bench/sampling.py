"""Whether a sampling step allocates, on real MicroPython with its heap locked; modules' sizes."""

import re
from pathlib import Path

from haidang_tools.compiling import Compiler
from run_upy import run_file

from bench.parts import Figures, main

_ROOT = Path(__file__).resolve().parents[2]
_SENSORS = _ROOT / "firmware" / "haidang_node" / "sensors"
_STEPS = _ROOT / "tests" / "node" / "upy_sampling_heap.py"


def figures(quick: bool = False) -> Figures:
    """Stories of every sensor's sampling that allocated, and bytes of .mpy by module."""
    outcome = run_file(_STEPS)
    told = re.search(r"(\d+) passed, (\d+) failed", outcome.output)
    if told is None:
        raise RuntimeError(f"{_STEPS.name} did not run: {outcome.output[-500:]}")
    sizes = {} if quick else _sizes()
    return {
        "sampling_stories": int(told[1]) + int(told[2]),
        "sampling_steps_that_allocate": int(told[2]),
        **sizes,
    }


def _sizes() -> dict[str, int]:
    firmware = _ROOT / "firmware"
    compiler = Compiler(
        [
            path
            for name in ("haidang_node", "haidang_wire")
            for path in (firmware / name).rglob("*.py")
        ]
    )
    paths = sorted(path for path in _SENSORS.rglob("*.py") if path.stem != "__init__")
    return {
        f"mpy_bytes_{path.relative_to(_SENSORS).with_suffix('').as_posix()}": len(
            compiler.compiled(path, path.stem)
        )
        for path in paths
    }


if __name__ == "__main__":
    main(figures)
