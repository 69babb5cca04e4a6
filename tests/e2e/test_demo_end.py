"""The demo ends whole: whoever stops it in whichever way, no process and no folder stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from haidang_tools.demo.command import _ended_by_signals
from waiting import DEADLINE_S, wait_until


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


def test_nothing_stays_behind_when_it_is_stopped_while_it_starts(
    root: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "haidang_tools", "demo"]
    demo = subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )

    def begun() -> bool:
        assert demo.poll() is None
        return len(_of(tmp_path)) >= 4  # both brokers and the first boards

    try:
        wait_until(begun, "the demo's processes")
        demo.send_signal(signal.SIGHUP)
        assert "Stopped" in demo.communicate(timeout=DEADLINE_S)[0]
    finally:
        demo.kill()
        demo.communicate()
    assert demo.returncode == 0
    assert _of(tmp_path) == []
    assert list(tmp_path.glob("haidang-demo-*")) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_way_of_stopping_it_ends_it_once(how: signal.Signals) -> None:
    before = signal.getsignal(how)
    with _ended_by_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(how)
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(again)  # while it ends, nothing disturbs it
    assert signal.getsignal(how) is before


@pytest.mark.parametrize("wrong", [["--camera", "absent.avi"], ["--record", "/none/x.svg"]])
def test_what_cannot_work_is_told_before_anything_starts(root: Path, wrong: list[str]) -> None:
    command = [sys.executable, "-m", "haidang_tools", "demo", *wrong]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 1
    assert f"demo: {'camera' if wrong[0] == '--camera' else '--record'}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
