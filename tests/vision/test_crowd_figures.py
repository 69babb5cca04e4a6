"""The crowd model's evaluation: baselines, intervals, scenes, own frames counted by hand."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from haidang_gateway.vision.evidence import Event, EvidenceFolder, read_event
from haidang_gateway.vision.manifest import read_manifest
from haidang_gateway.vision.networks import load_networks
from PIL import Image

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models import evaluate
from models.measures import CrowdCase, crowd_figures, resampled_mean
from models.rows import Row, RowError, good_rows, read_rows
from models.scenes import without_people

_SHIPPED = read_manifest(Path(evaluate.__file__).parent).crowd.path


def _figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = evaluate.main(["crowd", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def _grey(path: Path) -> None:
    Image.fromarray(np.full((96, 128, 3), 120, np.uint8)).save(path)


def test_a_baseline_and_the_lists_own_mean_are_scored_on_the_same_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _grey(tmp_path / "a.jpg")
    rows = [{"image": "a.jpg", "count": count, "src": "square"} for count in (0, 1, 5)]
    (tmp_path / "list.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    status, figures = _figures(
        capsys, "--data", str(tmp_path), "--split", "list.jsonl", "--baseline", str(_SHIPPED)
    )
    assert status == 0
    ours, baseline = figures["per_source"]["square"], figures["baseline"]["per_source"]["square"]
    assert ours == baseline, "both counted the same pictures with the same file"
    assert ours["mae_of_own_mean"] == 2.0
    low, high = ours["mae_95"]
    assert low <= ours["mae"] <= high
    assert ours["inside_interval"] == pytest.approx(2 / 3, abs=1e-3), "5 people are not 0 +- 3"


def test_the_interval_of_a_mean_is_the_same_each_time_and_shrinks_with_the_number() -> None:
    few, many = np.array([1.0, 3.0] * 4), np.array([1.0, 3.0] * 40)
    assert resampled_mean(few) == resampled_mean(few)
    assert resampled_mean(np.full(5, 2.5)) == (2.5, 2.5)
    # Normal theory: 2 +- 1.96 / sqrt(n).
    assert resampled_mean(many) == pytest.approx((2 - 0.219, 2 + 0.219), abs=0.05)
    low, high = resampled_mean(few)
    assert high - low > 0.9


def test_figures_of_each_source_are_their_own() -> None:
    cases = [CrowdCase(3.0, 2, "a", True), CrowdCase(8.0, 10, "b"), CrowdCase(14.0, 20, "b")]
    figures = crowd_figures(cases)
    assert figures["mae"] == 3.0
    per_source = figures["per_source"]
    assert isinstance(per_source, dict)
    assert (per_source["a"]["mae"], per_source["b"]["mae"]) == (1.0, 4.0)
    assert per_source["b"]["bias"] == -4.0
    assert (per_source["a"]["inside_interval"], per_source["b"]["inside_interval"]) == (1.0, 0.0)
    assert per_source["b"]["mae_of_own_mean"] == 5.0


def test_exported_evidence_with_counts_by_hand_is_a_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _grey(tmp_path / "seen.jpg")
    picture = (tmp_path / "seen.jpg").read_bytes()
    kept = EvidenceFolder(tmp_path / "evidence")
    event = Event(
        camera="gate", kind="fire", score=0.9, box=None, at_ms=5, picture=picture, crop=None
    )
    kept.keep(event)
    frames = tmp_path / "frames"
    (frames / "gate-5").mkdir(parents=True)
    for name, content in read_event(kept.where(event)).items():
        (frames / "gate-5" / name).write_bytes(content)
    (frames / "counts.csv").write_text("\ufeffimage;count\r\ngate-5/picture.jpg;0\r\n", "utf-8")
    (row,) = good_rows(frames / "counts.csv")
    assert (row.count, row.source, row.points, row.boxes) == (0, "own", None, None)
    status, figures = _figures(capsys, "--data", str(frames), "--split", "counts.csv")
    assert (status, figures["pictures"], figures["mean"]) == (0, 1, 0.0)
    assert figures["mae"] < 1


@pytest.mark.parametrize("line", ["a.jpg", "a.jpg,many", "a.jpg,-1", "a.jpg,3,4", "a.jpg,1.5"])
def test_a_line_of_counts_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "counts.csv").write_text(f"image,count\na.jpg, 12\n\n{line}\n")
    good, bad = read_rows(tmp_path / "counts.csv")
    assert isinstance(good, Row)
    assert good.count == 12
    assert isinstance(bad, RowError)
    assert "counts.csv:4: needs a picture's path and the number of people" in str(bad)


def test_scenes_where_somebody_was_seen_are_left_out(shared_data: Path) -> None:
    rows = good_rows(shared_data / "fire" / "train2.jsonl")
    names = {row.image.stem for row in without_people(rows)}
    assert "wx_rain_001" in names
    assert not names & {"wx_rain_003", "wx_fog_060"}
    assert len(names) > 200


def test_nobody_is_counted_in_scenes_without_people(
    root: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = root / "models" / "lists" / "scenes.jsonl"
    status, figures = _figures(capsys, "--data", str(shared_data), "--split", str(scenes))
    assert (status, figures["pictures"], figures["mean"]) == (0, 85, 0.0)
    assert figures["mae"] <= 1.0


def test_a_gateway_that_starts_says_that_its_crowd_model_is_a_research_variant(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_networks(root / "models")
    (said,) = [record for record in caplog.records if "research variant" in record.getMessage()]
    assert said.levelname == "WARNING"
    assert said.getMessage().startswith("people are counted by crowd-research.tflite")
