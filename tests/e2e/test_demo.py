"""The demo as a user starts it: the scripted scenario must pass and say so in its last line."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_scripted_scenario_loses_nothing_and_exits_0(root: Path) -> None:
    command = [sys.executable, "-m", "haidang_tools", "demo", "--once"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["lost"] == last["duplicates"] == 0
    assert last["alarms"] >= 9
    assert last["packs"] > 60
    assert last["seconds"] < 120
