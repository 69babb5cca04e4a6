"""The crowd bench: bounds come from the better baseline, and a missed one is printed as missed."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench import vision_crowds


def _source(mae: float, own_mean: float, pictures: int = 25) -> dict[str, Any]:
    return {
        "pictures": pictures,
        "mean": 30.0,
        "mae": mae,
        "mae_95": [mae - 1, mae + 1],
        "bias": -0.5,
        "mae_of_own_mean": own_mean,
        "own_gain": {"count_gain": 1.1, "mae_with_it": mae - 1},
    }


def test_the_bound_lies_30_percent_below_the_better_baseline_of_each_source() -> None:
    plain = {
        "per_source": {
            "mall": _source(3.0, 5.0),
            "square": _source(3.0, 4.0),
            "few": _source(1.0, 9.0, pictures=19),
        },
        "baseline": {
            "per_source": {
                "mall": _source(4.0, 5.0),
                "square": _source(8.0, 4.0),
                "few": _source(9.0, 9.0, pictures=19),
            }
        },
    }
    told = vision_crowds.beside_baselines(plain, {"mall": 2.0})
    assert (told["mall"]["calibrated_mae"], told["few"]["calibrated_mae"]) == (2.0, None)
    assert told["mall"]["own_gain"] == {"count_gain": 1.1, "mae_with_it": 2.0}
    assert (told["mall"]["bound"], told["mall"]["met"]) == (2.8, False)
    assert (told["square"]["bound"], told["square"]["met"]) == (2.8, False)
    assert (told["few"]["bound"], told["few"]["met"]) == (None, None), "too few to tell"
    plain["per_source"]["mall"]["mae"] = 2.8
    assert vision_crowds.beside_baselines(plain, {})["mall"]["met"] is True


def test_more_than_one_person_in_empty_scenes_is_too_many() -> None:
    scenes = {"pictures": 85, "mae": 1.01, "mae_95": [0.5, 1.5]}
    assert vision_crowds.empty(scenes)["met"] is False
    assert vision_crowds.empty(scenes | {"mae": 1.0})["met"] is True


def test_a_list_is_scored_beside_the_baselines_file(tmp_path: Path) -> None:
    Image.fromarray(np.full((96, 128, 3), 120, np.uint8)).save(tmp_path / "a.jpg")
    (tmp_path / "list.jsonl").write_text('{"image": "a.jpg", "count": 3, "src": "square"}')
    seen = vision_crowds.evaluated(
        "list.jsonl", "--baseline", str(vision_crowds.BASELINE), data=tmp_path
    )
    told = vision_crowds.beside_baselines(seen, {})["square"]
    assert told["pictures"] == 1
    assert 0 < told["mae"] <= 3
    assert 0 <= told["frozen_mae"] < 30


def test_a_quick_run_scores_nothing() -> None:
    assert vision_crowds.figures(quick=True) == {"crowd": None, "empty_scenes": None}
