"""The evaluation where no row of its list can be used: told, and no success."""

import json
import sys
from pathlib import Path

import pytest

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models import evaluate

_LISTS = {
    "absent pictures": ("fire", "list.jsonl", '{"image": "a.jpg", "labels": ["fire"]}\n'),
    "no row": ("fire", "list.jsonl", "\n"),
    "counts in words": ("crowd", "counts.csv", "image,count\na.jpg,many\n"),
    "a heading alone": ("crowd", "counts.csv", "image,count\n"),
    "absent clips": ("clips", "clips.jsonl", '{"clip": "a.mp4", "labels": ["normal"]}\n'),
    "no clip": ("clips", "clips.jsonl", ""),
}


@pytest.mark.parametrize("case", _LISTS)
def test_a_list_of_which_nothing_can_be_used_ends_with_1_and_one_line(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task, name, text = _LISTS[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    status = evaluate.main([task, "--data", str(tmp_path), "--split", name, "--json"])
    told = capsys.readouterr()
    assert status == 1
    figures = json.loads(told.out.splitlines()[-1])
    assert not figures.get("pictures", figures.get("clips"))
    lines = [line for line in told.err.splitlines() if line.startswith("evaluate: ")]
    assert f"evaluate: {tmp_path / name}: nothing was scored" in lines[-1]
    assert [line for line in lines[:-1] if "skipped" not in line] == []
