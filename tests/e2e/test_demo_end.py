"""The demo ends whole: whoever stops it in whichever way, no process and no folder stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_UP_S = 60


def _of(folder: Path) -> list[str]:
    """The command lines of all processes that work in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # no process, or gone meanwhile
            continue
        if any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_stays_behind_when_it_is_stopped_while_it_starts(
    root: Path, tmp_path: Path, how: signal.Signals
) -> None:
    command = [sys.executable, "-m", "haidang_tools", "demo"]
    demo = subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + _UP_S
    while len(_of(tmp_path)) < 4:  # both brokers and the first boards
        assert demo.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    demo.send_signal(how)
    assert "Stopped" in demo.communicate(timeout=30)[0]
    assert demo.returncode == 0
    assert _of(tmp_path) == []
    assert list(tmp_path.glob("haidang-demo-*")) == []


@pytest.mark.parametrize("wrong", [["--camera", "absent.avi"], ["--record", "/none/x.svg"]])
def test_what_cannot_work_is_told_before_anything_starts(root: Path, wrong: list[str]) -> None:
    command = [sys.executable, "-m", "haidang_tools", "demo", *wrong]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert f"demo: {'camera' if wrong[0] == '--camera' else '--record'}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
