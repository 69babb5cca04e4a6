"""The crowd model beside its baselines, for every source with enough pictures to tell.

`python -m bench.vision_crowds`; the last line is one JSON object. The bound of a source lies 30 %
below the better of two: always saying the mean of this very set, and frozen ImageNet features with
a density head (`models/train/crowd_baseline.py`).
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import parts

_ROOT = Path(__file__).resolve().parents[2]
_DATA = _ROOT.parent / "shared" / "data"
BASELINE = _ROOT / "models" / "baselines" / "crowd-frozen.tflite"
_SCENES = "models/lists/scenes.jsonl"
_ENOUGH = 20
_BETTER = 0.7
_MOST_IN_EMPTY = 1.0
_LISTS = ("crowd/val.jsonl", "people/val.jsonl")
# What a technician would set: what is usual in the camera of mall, measured in its training
# pictures; bodies in the pictures where boxes tell them.
_CALIBRATED = {
    "mall": ("crowd/val.jsonl", "--person-px", "80"),
    "penn-fudan": ("people/val.jsonl", "--calibrated"),
}


def figures(quick: bool = False) -> parts.Figures:
    """All sources and the empty scenes; null where the data does not lie beside the repository."""
    if quick or not _DATA.is_dir():
        return {"crowd": None, "empty_scenes": None}
    calibrated = {
        source: evaluated(split, *calibration)["per_source"][source]["mae"]
        for source, (split, *calibration) in _CALIBRATED.items()
    }
    told: dict[str, Any] = {}
    for split in _LISTS:
        told |= beside_baselines(evaluated(split, "--baseline", str(BASELINE)), calibrated)
    return {"crowd": told, "empty_scenes": empty(evaluated(_SCENES))}


def beside_baselines(plain: Mapping[str, Any], calibrated: Mapping[str, float]) -> dict[str, Any]:
    """Put each source's errors together; without a bound where the pictures are too few.

    `calibrated` are the errors of those sources whose cameras were calibrated.
    """
    told = {}
    for source, ours in plain["per_source"].items():
        baseline = plain["baseline"]["per_source"][source]
        bound = round(_BETTER * min(ours["mae_of_own_mean"], baseline["mae"]), 3)
        enough = ours["pictures"] >= _ENOUGH
        told[source] = {
            "pictures": ours["pictures"],
            "people": ours["mean"],
            "mae": ours["mae"],
            "mae_95": ours["mae_95"],
            "bias": ours["bias"],
            "calibrated_mae": calibrated.get(source),
            # What 20 counts by hand at this camera would be worth; the bound is not met by it.
            "own_gain": ours.get("own_gain"),
            "own_mean_mae": ours["mae_of_own_mean"],
            "frozen_mae": baseline["mae"],
            "frozen_mae_95": baseline["mae_95"],
            "bound": bound if enough else None,
            "met": ours["mae"] <= bound if enough else None,
        }
    return told


def empty(scenes: Mapping[str, Any]) -> dict[str, Any]:
    """How many people are seen where nobody is."""
    return {
        "pictures": scenes["pictures"],
        "counted": scenes["mae"],
        "counted_95": scenes["mae_95"],
        "bound": _MOST_IN_EMPTY,
        "met": scenes["mae"] <= _MOST_IN_EMPTY,
    }


def evaluated(split: str, *more: str, data: Path = _DATA) -> dict[str, Any]:
    """What `models/evaluate.py crowd` prints for a list."""
    parts.LOG.info("models/evaluate.py crowd %s %s", split, " ".join(more))
    command = [sys.executable, "models/evaluate.py", "crowd", "--data", str(data)]
    done = subprocess.run(
        [*command, "--split", split, *more, "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    parts.main(figures)
