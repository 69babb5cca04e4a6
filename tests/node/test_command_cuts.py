"""Commands and trials of a configuration survive a power cut wherever it comes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from waiting import DEADLINE_S

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("on_node_command_cuts.py")


def test_each_command_is_done_once_and_one_whole_configuration_is_left(tmp_path: Path) -> None:
    micropython = Path(sys.executable).parent / "micropython"
    search = f"{ROOT / 'firmware'}:{ROOT / 'firmware' / 'haidang_board'}:.frozen"
    done = subprocess.run(
        [micropython, "-X", "heapsize=4M", SCRIPT, tmp_path / "flash.img"],
        env={**os.environ, "MICROPYPATH": search},
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    result: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    assert result["cuts"] > 250
    assert result["of_calibration"] > 60
    assert result["stopped"] > 100, "the cuts must hit the work itself"
    for kind in ("twice", "unanswered", "wrong", "damaged"):
        assert result[kind] == 0, result
