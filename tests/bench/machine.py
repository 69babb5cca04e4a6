"""Where figures were taken: they mean little without it."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from haidang_board import rig_process

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 10


def facts() -> dict[str, object]:
    """Processor, cores, interpreters, broker and commit."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    mosquitto = shutil.which("mosquitto", path=path)
    micropython = [rig_process.interpreter(), "-c", "import sys; print(sys.version)"]
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "micropython": _said(micropython).split("; ", 1)[-1],
        "mosquitto": _said([mosquitto, "-h"]).split("\n", 1)[0] if mosquitto else None,
        "node": _said(["node", "--version"]) if shutil.which("node") else None,
        "commit": _commit(),
    }


def _cpu() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _commit() -> str | None:
    git = ["git", "-C", str(_ROOT)]
    commit = _said([*git, "rev-parse", "--short", "HEAD"])
    if not commit:
        return None
    changed = _said([*git, "status", "--porcelain", "--untracked-files=no"])
    return f"{commit} with changes" if changed else commit


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()
