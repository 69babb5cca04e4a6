"""Which bench ran what with which firmware: a JSON line per test, and a few lines at the end."""

import hashlib
import json
import platform
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from haidang_tools import flash

from rig.bench import CAPABILITIES, Bench, describe

_FOLDER = "hil_tests/"
_OWN = "hil_tests/drivers/"  # tests of the bench, not on it


def firmware_hash() -> str:
    """Twelve hex digits over the application's sources, names and bytes."""
    digest = hashlib.sha256()
    for name, data in sorted(flash.application(flash.SOURCE).items()):
        digest.update(name.encode() + b"\0" + data)
    return digest.hexdigest()[:12]


class Report:
    """Collects one run's outcomes and writes each as it comes."""

    def __init__(self, path: Path, bench: Bench) -> None:
        """Keep the arguments; the first outcome starts the file anew."""
        self._path = path
        self._bench = bench
        self._begun = False
        self._firmware = ""
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    @property
    def header(self) -> str:
        """The line above a run."""
        return f"hil bench: {describe(self._bench)}; firmware {firmware_hash()}"

    def take(self, report: pytest.TestReport) -> None:
        """Note a test's end; its setup and teardown count only when they say something else."""
        if not report.nodeid.startswith(_FOLDER) or report.nodeid.startswith(_OWN):
            return
        if report.when != "call" and report.passed:
            return
        line: dict[str, Any] = {
            "test": report.nodeid,
            "outcome": report.outcome if report.when == "call" else _outside(report),
            "seconds": round(report.duration, 2),
            **dict(report.user_properties),
        }
        if report.skipped and isinstance(report.longrepr, tuple):
            line["reason"] = report.longrepr[2].removeprefix("Skipped: ")
            self._reasons[line["reason"]] += 1
        self._counts[line["outcome"]] += 1
        self._write(line)

    def summary(self) -> list[str]:
        """What to print at the end; nothing where no test of the suite ran."""
        if not self._begun:
            return []
        counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(self._counts.items()))
        reasons = [f"skipped {n}: {reason}" for reason, n in sorted(self._reasons.items())]
        return [
            f"{describe(self._bench)}",
            f"firmware {self._firmware}: {counts}; each test in {self._path}",
            *reasons,
        ]

    def _write(self, line: dict[str, Any]) -> None:
        if not self._begun:
            self._begun = True
            self._firmware = firmware_hash()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text("", encoding="utf-8")
            self._append(self._first_line())
        self._append(line)

    def _first_line(self) -> dict[str, Any]:
        bench = self._bench
        return {
            "bench": bench.name,
            "can": [name for name in CAPABILITIES if name not in bench.lacks],
            "lacks": dict(bench.lacks),
            "firmware": self._firmware,
            "host": platform.platform(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _append(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _outside(report: pytest.TestReport) -> str:
    return "error" if report.failed else report.outcome
