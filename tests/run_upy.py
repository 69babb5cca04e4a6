"""Run plain test files (functions `test_*`, asserts, no fixtures) under MicroPython.

    python tests/run_upy.py [--heap 160K] FILES...

Each file runs in an interpreter of its own and tells `N passed, N failed`. A first line
`# heap: 64K` in a file sets its heap. On CPython pytest collects the same files.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_HEAP = "160K"
TIMEOUT_S = 240

# Runs inside MicroPython; argv: the file. Prints a line for each failed test and the sums.
_RUNNER = """
import gc, sys
sys.path[:] = [path for path in sys.argv[2].split(":")] + [".frozen"]
module = __import__(sys.argv[1])
passed = failed = 0
for name in sorted(dir(module)):
    if name.startswith("test_"):
        gc.collect()
        try:
            getattr(module, name)()
            passed += 1
        except BaseException as problem:
            failed += 1
            print("FAILED " + name)
            sys.print_exception(problem)
print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed or not passed else 0)
"""


class Outcome(NamedTuple):
    """What one file's run gave: whether all passed, and what it printed."""

    ok: bool
    output: str


def interpreter() -> "str | None":
    """The MicroPython to use: on PATH, or beside this Python; None if there is none."""
    found = shutil.which("micropython")
    beside = Path(sys.executable).parent / "micropython"
    return found or (str(beside) if beside.exists() else None)


def run_file(path: Path, heap: "str | None" = None) -> Outcome:
    """Run one file under MicroPython with firmware/ and the file's folder as its path."""
    program = interpreter()
    if program is None:
        return Outcome(False, "no micropython on PATH or beside this Python: `make setup`")
    path = path.resolve()
    search = os.pathsep.join([str(path.parent), str(REPOSITORY / "firmware")])
    command = [program, "-X", f"heapsize={heap or _heap_of(path)}"]
    try:
        done = subprocess.run(
            [*command, "-c", _RUNNER, path.stem, search],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"{path.name}: not done after {TIMEOUT_S} s")
    return Outcome(done.returncode == 0, done.stdout + done.stderr)


def main() -> int:
    """Command line; exit 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heap", help=f"heap size, otherwise the file's or {DEFAULT_HEAP}")
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    failures = 0
    for path in arguments.files:
        outcome = run_file(path, arguments.heap)
        failures += not outcome.ok
        print(f"{path}: {outcome.output.strip()}")
    return 1 if failures else 0


def _heap_of(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        first = file.readline().strip()
    return first.removeprefix("# heap:").strip() if first.startswith("# heap:") else DEFAULT_HEAP


if __name__ == "__main__":
    sys.exit(main())
