"""The shipped models: what they see, what their manifest says, that they keep their figures."""

from pathlib import Path

import numpy as np
import pytest
from evaluation_kit import evaluated, street_picture
from haidang_gateway.vision.manifest import Manifest, load_model, read_manifest
from haidang_gateway.vision.picture import count_people, fire_scores, strongest_box, to_input
from haidang_tools.flames import render_fire


@pytest.fixture(scope="module")
def manifest(root: Path) -> Manifest:
    """The shipped manifest."""
    return read_manifest(root / "models")


def test_a_rendered_street_fire_is_seen_where_it_burns_and_the_street_alone_is_not(
    manifest: Manifest,
) -> None:
    model = load_model(manifest.fire)
    size = manifest.fire.width, manifest.fire.height
    found, met = 0, 0
    for seed in range(10):
        street = street_picture(seed)
        quiet = fire_scores(model.run(to_input(street, *size)))
        burning = render_fire(
            street, t_s=seed * 1.3, growth=0.9, x=0.3, y=0.9, height_frac=0.45, seed=seed
        )
        seen = fire_scores(model.run(to_input(burning, *size)))
        assert quiet.fire < manifest.fire.fire_threshold
        found += seen.fire >= manifest.fire.fire_threshold
        met += abs(strongest_box(seen.cells_fire)[0] - 0.3) < 0.2
    assert found >= 8
    assert met >= 8


def test_nobody_is_counted_in_a_plain_empty_picture(manifest: Manifest) -> None:
    model = load_model(manifest.crowd)
    for shade in (20, 127, 230):
        picture = np.full((576, 768, 3), shade, np.uint8)
        assert count_people(picture, None, model.run, manifest.crowd.spec).count < 1.0


def test_thresholds_and_errors_of_the_manifest_are_sensible(manifest: Manifest) -> None:
    assert 0.2 < manifest.fire.fire_threshold < 0.99
    assert 0.2 < manifest.fire.smoke_threshold < 0.99
    assert 0.05 < manifest.crowd.spec.error_share < 1.0
    assert (manifest.crowd.spec.width, manifest.crowd.spec.height) == (512, 384)


def test_every_model_has_its_card(root: Path) -> None:
    for name in ("fire", "crowd"):
        card = (root / "models" / "cards" / f"{name}.md").read_text(encoding="utf-8")
        for part in ("## Data", "## Figures", "## Limits", "## Retrain"):
            assert part in card


def test_fire_model_keeps_its_figures_on_the_second_validation_list(
    root: Path, shared_data: Path
) -> None:
    arguments = ("--data", str(shared_data), "--split", "fire/val2.jsonl")
    status, figures, _ = evaluated(root, "fire", *arguments)
    assert (status, figures["skipped"]) == (0, 0)
    assert figures["ap_alarm"] >= 0.985
    assert figures["recall"] >= 0.93
    assert figures["false_alarm_rate"] <= 0.048
    assert figures["pointing_fire"] >= 0.95


def test_crowd_model_keeps_its_error_on_the_street_and_crowd_list(
    root: Path, shared_data: Path
) -> None:
    arguments = ("--data", str(shared_data), "--split", "people/val.jsonl")
    status, figures, _ = evaluated(root, "crowd", *arguments)
    assert (status, figures["skipped"]) == (0, 0)
    assert figures["per_source"]["penn-fudan"]["mae"] < 0.6
    assert figures["per_source"]["shanghaitech-a"]["mae"] < 50
