"""The pure parts on 32 bits: MicroPython in WebAssembly beside the 64-bit one, same packs.

The ESP32 has 32-bit objects and small integers of 31 bits with the sign, as this build has. Where
there is no Node.js or no npm registry the figures are null and say why.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from haidang_board import rig_process
from haidang_tools import flash

from bench import stand
from bench.parts import LOG, Figures, main

_PACKAGE = "@micropython/micropython-webassembly-pyscript"
_VERSION = "1.29.0-6"
# Of the registry's archive of this version.
_INTEGRITY = (
    "sha512-kLwGPJFsLY/2aUPmzZxpvauFSmKc0SlJWVvvEttULR0poVQ6W9HV//1fUJyxrGWAxCVDw9aYqJ0LAog0"
    "ZLjYVA=="
)
_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "wasm"
_LIMIT_S = 120
_SCRIPT = Path(__file__).with_name("on_node_path.py")
STEPS = (
    "import gc\nbegan = gc.mem_alloc()",
    "import on_node_path as path",
    "path.tell('loaded_bytes', began)",
    "path.story(0)",
    "path.story((1 << 30) - 300000)",
    "path.story(1 << 40)",
    "path.tell('held_bytes', began)",
    "path.small_bits()",
)
_RUNNER = Path(__file__).with_name("wasm_run.mjs")


def package(folder: Path = _CACHE) -> Path | str:
    """The folder of the pinned build, installed on first use; or why there is none."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "no Node.js here"
    found = folder / "node_modules" / _PACKAGE
    if not (found / "micropython.wasm").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True}))
        done = subprocess.run(
            [npm, "install", "--ignore-scripts", "--save-exact", f"{_PACKAGE}@{_VERSION}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            return f"npm: {done.stderr.strip()[-200:]}"
    lock = json.loads((folder / "package-lock.json").read_text())
    given = lock["packages"][f"node_modules/{_PACKAGE}"]["integrity"]
    if given != _INTEGRITY:
        raise RuntimeError(f"{_PACKAGE}@{_VERSION} is not what it was: {given}")
    return found


def on_32_bits(built: Path, application: Path) -> list[dict[str, Any]]:
    """What the steps print in WebAssembly."""
    return _rows(["node", str(_RUNNER), str(built), str(application), json.dumps(STEPS)])


def on_64_bits(application: Path) -> list[dict[str, Any]]:
    """What the steps print on the PC's own build."""
    lines = ["import gc, sys", f"sys.path[:] = [{str(application)!r}, '.frozen']"]
    lines += ["import os", f"os.chdir({str(application)!r})"]
    for step in STEPS:
        lines += ["gc.collect()", step]
    program = "\n".join(lines).replace("import on_node_path", "import on_node_path_here")
    here = _SCRIPT.read_text().replace('"/outbox"', '"outbox"')
    (application / "on_node_path_here.py").write_text(here)
    return _rows([rig_process.interpreter(), "-X", "heapsize=1M", "-c", program])


def figures(quick: bool = False) -> Figures:
    """Heap of the sampling-to-pack path on 32 and 64 bits; nothing is left out when quick."""
    del quick
    built = package()
    if isinstance(built, str):
        LOG.warning("no 32-bit figures: %s", built)
        return {"heap_peak_kib_32bit": None, "why_no_32bit": built}
    with tempfile.TemporaryDirectory(prefix="haidang-wasm-") as folder:
        application = Path(folder) / "app"
        for name, data in flash.application(flash.SOURCE, stand.PORTABLE).items():
            target = application / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        shutil.copy(_SCRIPT, application)
        small, wide = on_32_bits(built, application), on_64_bits(application)
    digests = [_all(rows, "digest") for rows in (small, wide)]
    if digests[0] != digests[1]:
        raise RuntimeError(f"32 and 64 bits give other packs: {small} {wide}")
    return {
        "heap_peak_kib_32bit": _peak_kib(small),
        "heap_peak_kib_64bit_same_path": _peak_kib(wide),
        "flush_garbage_kib_32bit": _kib(max(_all(small, "flush_bytes"))),
        "heap_loaded_kib_32bit": _kib(_number(small, "loaded_bytes")),
        "heap_loaded_kib_64bit_same_path": _kib(_number(wide, "loaded_bytes")),
        "small_integer_bits_32bit": _number(small, "small_bits"),
        "sampling_allocations_32bit": sum(_all(small, "allocated")),
        "packs_equal_on_32_and_64_bits": sum(_all(small, "packs")),
    }


def _peak_kib(rows: list[dict[str, Any]]) -> float:
    # What is held between two packs and all that one pack takes without a collection. Writing a
    # batch to flash makes more garbage, which the collector takes at once where memory is scarce:
    # WebAssembly cannot show that, so it is a figure of its own.
    return _kib(_number(rows, "held_bytes") + max(_all(rows, "path_bytes")))


def _all(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows if name in row]


def _number(rows: list[dict[str, Any]], name: str) -> int:
    return int(_all(rows, name)[0])


def _kib(count: int) -> float:
    return round(count / 1024, 1)


def _rows(command: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"{command[0]}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main(figures)
