"""The evaluation of models: good rows are scored, bad ones named, and its measures are right."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_kit import evaluated, save_list, street_picture
from haidang_tools.flames import render_fire
from hypothesis import given
from hypothesis import strategies as st

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))


def test_fire_evaluation_scores_good_rows_and_names_and_counts_the_bad_ones(
    root: Path, tmp_path: Path
) -> None:
    street = street_picture(1)
    burning = render_fire(street, t_s=1.0, growth=1.0, x=0.5, y=0.9, height_frac=0.6, seed=2)
    box = ["fire", 0.5, 0.6, 0.45, 0.6]
    rows = [
        {"image": "a.jpg", "labels": ["fire"], "boxes": [box], "smoke_unlabelled": True},
        {"image": "b.jpg", "labels": ["normal"], "boxes": []},
        {"image": "absent.jpg", "labels": ["normal"]},
        {"image": "broken.jpg", "labels": ["normal"]},
        {"image": "a.jpg"},
        {"labels": ["fire"]},
        {"image": "a.jpg", "labels": ["fire"], "boxes": [["fire", 0.5]]},
        {"image": "a.jpg", "labels": "fire"},
        {"image": "a.jpg", "labels": ["fire"], "width": float("inf")},
        {"image": "a.jpg", "labels": ["fire"], "boxes": [["fire", 0.5, 0.5, float("nan"), 0.1]]},
        {"image": "dot.png", "labels": ["normal"]},
    ]
    dot = np.zeros((1, 1, 3), np.uint8)
    save_list(tmp_path, rows, {"a.jpg": burning, "b.jpg": street, "dot.png": dot})
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:700])
    with (tmp_path / "list.jsonl").open("a", encoding="utf-8") as more:
        more.write("\nno json at all\n")
    status, figures, errors = evaluated(
        root, "fire", "--data", str(tmp_path), "--split", "list.jsonl"
    )
    assert status == 0
    assert (figures["pictures"], figures["skipped"]) == (2, 10)
    assert figures["ap_fire"] == 1.0
    assert figures["recall"] == 1.0
    assert figures["pointing_fire"] == 1.0
    assert figures["pointing_smoke"] is None
    assert figures["per_source"]["unknown"]["recall_95"] == [0.2065, 1.0]
    for line in range(3, 13):
        assert f"list.jsonl:{line}" in errors
    assert "dot.png is 1 x 1, too small" in errors
    assert "absent.jpg is missing" in errors
    assert "broken.jpg cannot be decoded" in errors


def test_crowd_evaluation_takes_counts_points_and_boxes(root: Path, tmp_path: Path) -> None:
    rows = [
        {"image": "a.jpg", "count": 0, "points": [], "src": "sea"},
        {"image": "a.jpg", "points": [[10, 10], [20, 20]], "src": "street"},
        {"image": "a.jpg", "boxes": [["person", 0.5, 0.5, 0.1, 0.3]], "src": "street"},
        {"image": "a.jpg", "src": "street"},
    ]
    save_list(tmp_path, rows, {"a.jpg": np.full((96, 128, 3), 120, np.uint8)})
    status, figures, errors = evaluated(
        root, "crowd", "--data", str(tmp_path), "--split", "list.jsonl"
    )
    assert status == 0
    assert (figures["pictures"], figures["skipped"], figures["mean"]) == (3, 1, 1.0)
    assert figures["per_source"]["street"]["mean"] == 1.5
    assert figures["mae"] < 1.5
    assert "list.jsonl:4: needs `count`" in errors


def test_a_missing_folder_or_list_is_told_and_ends_with_2(root: Path, tmp_path: Path) -> None:
    gone = evaluated(root, "fire", "--data", str(tmp_path / "no"), "--split", "list.jsonl")
    assert gone[0] == 2
    assert "no such folder" in gone[2]
    empty = evaluated(root, "crowd", "--data", str(tmp_path), "--split", "list.jsonl")
    assert empty[0] == 2
    assert "list.jsonl: not found" in empty[2]


@given(scores=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40))
def test_average_precision_is_1_when_all_positives_lead_and_bounded_otherwise(
    scores: list[tuple[int, bool]],
) -> None:
    from models.measures import average_precision

    truth = [positive for _, positive in scores]
    value = average_precision([score for score, _ in scores], truth)
    if not any(truth):
        assert value is None
        return
    assert value is not None
    assert sum(truth) / len(truth) / len(truth) <= value <= 1.0 + 1e-9
    assert average_precision([float(positive) for positive in truth], truth) == pytest.approx(1.0)


def test_another_file_is_scored_on_the_same_pictures_and_the_wrong_ones_are_named(
    root: Path, tmp_path: Path
) -> None:
    street = street_picture(1)
    burning = render_fire(street, t_s=1.0, growth=1.0, x=0.5, y=0.9, height_frac=0.6, seed=2)
    rows = [
        {"image": "a.jpg", "labels": ["fire"], "src": "drawn"},
        {"image": "b.jpg", "labels": ["fire"], "src": "drawn"},
    ]
    save_list(tmp_path, rows, {"a.jpg": burning, "b.jpg": street})
    shipped = str(root / "models" / "fire.tflite")
    status, figures, _ = evaluated(
        root, "fire", "--data", str(tmp_path), "--split", "list.jsonl", "--names",
        "--baseline", shipped,
    )  # fmt: skip
    assert status == 0
    for its in (figures, figures["baseline"]):
        assert (its["recall"], its["missed"], its["false_alarms"]) == (0.5, ["b.jpg"], [])
    assert figures["baseline"]["fire_threshold"] == 0.5


def test_clips_are_watched_with_the_whole_time_logic(
    root: Path, shared_data: Path, tmp_path: Path
) -> None:
    rows = [
        {"clip": "fire_ngan_video3.mp4", "labels": ["fire", "smoke"]},
        {"clip": "absent.mp4", "labels": ["normal"]},
    ]
    split = tmp_path / "list.jsonl"
    split.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    status, figures, errors = evaluated(
        root, "clips", "--data", str(shared_data), "--split", str(split)
    )
    assert (status, figures["clips"], figures["skipped"]) == (0, 1, 1)
    assert (figures["event_recall"], figures["false_alarms"]) == (1.0, 0)
    assert figures["seconds_to_alarm_median"] < 10
    assert figures["false_alarms_per_camera_hour"] is None, "no hour without fire was watched"
    assert "absent.mp4 is missing" in errors


def test_alarms_before_the_onset_are_false_and_few_hours_prove_little() -> None:
    from models.clip_events import Clip, Watched, clip_figures

    early = Watched(
        Clip(Path("a.mp4"), "l:1", frozenset({"fire"}), 60.0),
        120.0,
        (("fire", 5.0), ("fire", 70.0)),
    )
    calm = Watched(Clip(Path("b.mp4"), "l:2", frozenset({"normal"}), 0.0), 3540.0, ())
    figures = clip_figures([early, calm])
    assert figures["event_recall"] == 1.0
    assert figures["seconds_to_alarm_median"] == 10.0
    assert figures["false_alarms"] == 1
    assert figures["normal_hours"] == 1.0
    assert figures["false_alarms_per_camera_hour_95"] == 4.7


def test_intervals_are_the_published_ones() -> None:
    from models.measures import events_upper_bound, wilson

    # Wilson (1927) for 0 of 10 and 8 of 10; Garwood's upper bounds for 0, 1 and 5 events.
    assert wilson(0, 10) == (0.0, 0.2775)
    assert wilson(8, 10) == (0.4902, 0.9433)
    assert wilson(0, 0) is None
    bounds = [round(events_upper_bound(n), 2) for n in (0, 1, 5)]
    assert bounds == [3.0, 4.74, 10.51]


def test_average_precision_of_a_known_ranking() -> None:
    from models.measures import average_precision

    ranking = [True, False, True, False]
    assert average_precision([0.9, 0.8, 0.7, 0.1], ranking) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.5, 0.5, 0.5, 0.5], ranking) == pytest.approx(0.5)


def _judged(scores: dict[int, float]) -> Any:
    """A judge that knows its pictures by their brightness."""
    from haidang_gateway.vision.picture import FireScores

    nowhere = np.full((7, 7, 2), -np.inf, np.float32)
    return lambda rgb: FireScores(0.0, scores[int(rgb[0, 0, 0])], nowhere)


def test_an_export_that_loses_more_than_half_a_point_in_8_bits_is_refused(tmp_path: Path) -> None:
    from haidang_gateway.errors import ModelError

    from models.rows import good_rows
    from models.train import rounding

    levels = range(0, 200, 2)
    rows = [{"image": f"{i}.png", "labels": ["smoke" if i >= 100 else "normal"]} for i in levels]
    save_list(tmp_path, rows, {f"{i}.png": np.full((4, 4, 3), i, np.uint8) for i in levels})
    listed = good_rows(tmp_path / "list.jsonl")
    real = {i: i / 200 for i in levels}
    # One normal picture rises above the weakest, then above sixteen of the fifty that smoke.
    little, much = real | {98: 0.505}, real | {98: 0.655}
    before, after = rounding.check(listed, _judged(real), _judged(little))
    assert before == 1.0
    assert 0.995 < after < 1.0
    with pytest.raises(ModelError, match=r"8 bits lose too much: average precision 0\.9\d+"):
        rounding.check(listed, _judged(real), _judged(much))
    assert rounding.check(listed, _judged(much), _judged(real))[1] == 1.0
    with pytest.raises(ModelError, match="needs fires and normal"):
        rounding.check(listed[50:], _judged(real), _judged(real))
