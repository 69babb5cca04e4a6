"""No promised pack is lost wherever the power is cut, and no number is without an explanation."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("power_cuts.py")


def cut_power(image: Path, step: int, mode: str) -> dict[str, int]:
    """What the cuts of one run gave."""
    micropython = Path(sys.executable).parent / "micropython"
    search = f"{ROOT / 'firmware'}:{ROOT / 'firmware' / 'haidang_board'}:.frozen"
    done = subprocess.run(
        [micropython, "-X", "heapsize=2M", SCRIPT, image, str(step), mode],
        env={**os.environ, "MICROPYPATH": search},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    result: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_promised_packs_survive_a_power_cut_anywhere(tmp_path: Path) -> None:
    result = cut_power(tmp_path / "flash.img", 1, "honest")
    assert result["cuts"] > 300
    for kind in ("lost", "corrupt", "unexplained", "unwritable", "file_systems_lost"):
        assert result[kind] == 0, result


def test_the_same_cuts_find_losses_where_flushing_is_forgotten(tmp_path: Path) -> None:
    result = cut_power(tmp_path / "flash.img", 20, "forgetful")
    assert result["lost"] > 0, "the test above could not fail"
