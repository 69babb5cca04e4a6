"""Numbers in the models' manifest with which a camera would look and never tell are refused."""

from pathlib import Path

import pytest
from haidang_gateway.errors import ModelError
from haidang_gateway.vision.manifest import read_manifest


@pytest.mark.parametrize(
    ("name", "number", "told"),
    [
        ("fire_threshold", "53", r"fire\.tflite: fire_threshold is 53, .* 0\.0 and 1\.0"),
        ("fire_threshold", "nan", "fire_threshold is nan"),
        ("fire_threshold", "-1", "fire_threshold is -1"),
        ("smoke_threshold", "1.0", r"smoke_threshold is 1\.0"),
        ("width", "inf", "infinity"),
        ("person_px", "nan", r"crowd-research\.tflite: person_px is nan"),
        ("person_px", "-75.0", r"person_px is -75\.0"),
        ("error_share", "nan", "error_share is nan"),
        ("peak_least", "inf", "peak_least is inf"),
        ("dense_from", "4.0", r"dense_from is 4\.0, it must be between 4\.0 and inf"),
        ("sparse_below", "nan", "dense_from"),
        ("peak_least", "1.5", r"peak_least is 1\.5"),
        ("error_floor", "-3.0", r"error_floor is -3\.0"),
        ("farther_look_below", "nan", "farther_look_below is nan"),
        ("closer_look_at", '"300"', "closer_look_at is 300"),
        ("closer_look_at", "[900, 100]", r"closer_look_at is \[900, 100\], .* rise"),
        ("closer_look_at", "[nan]", r"closer_look_at is \[nan\]"),
    ],
)
def test_a_number_that_no_picture_could_mean_is_refused(
    root: Path, tmp_path: Path, name: str, number: str, told: str
) -> None:
    lines = (root / "models" / "manifest.toml").read_text(encoding="utf-8").splitlines()
    changed = [f"{name} = {number}" if line.startswith(f"{name} = ") else line for line in lines]
    assert changed != lines
    (tmp_path / "manifest.toml").write_text("\n".join(changed), encoding="utf-8")
    with pytest.raises(ModelError, match=told) as refused:
        read_manifest(tmp_path)
    assert "second look" not in str(refused.value)
