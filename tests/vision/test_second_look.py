"""The second look for fire: who gets one, what is shown in it, and what comes out of both."""

import sys
from pathlib import Path

import numpy as np
import pytest
from haidang_gateway.errors import ModelError
from haidang_gateway.vision.camera import Develop, raw
from haidang_gateway.vision.manifest import load_model, read_manifest
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.networks import ShippedNetworks
from haidang_gateway.vision.picture import FireScores, Grid, Picture, Still, fire_scores, to_input
from haidang_gateway.vision.second_look import SecondLook, look_for_fire
from haidang_tools.flames import render_fire
from hypothesis import given
from hypothesis import strategies as st

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models import evaluate
from models.train import rounding

SIDE = 320
SECOND = SecondLook(from_score=0.1, size=0.8)
GREY = 127
LOGITS = st.floats(-12, 12, width=32)


class Network:
    """Answers with given logits, one pair for each look, and remembers what it was shown."""

    def __init__(self, *answers: tuple[float, float]) -> None:
        self._answers = list(answers)
        self.shown: list[Picture] = []

    def run(self, picture: Picture) -> tuple[Grid, ...]:
        cells = np.full((10, 10, 2), -9.0, np.float32)
        cells[len(self.shown) + 2, 7, 0] = 3.0
        fire, smoke = self._answers[len(self.shown)]
        self.shown.append(picture)
        return cells, np.array([fire, smoke], np.float32)


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def scene(height: int = 360, width: int = 640) -> Picture:
    """Red to the left, blue to the right, brighter from the top down."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = picture[:, width // 2 :, 2] = 200
    picture[..., 1] = np.linspace(0, 250, height).astype(np.uint8)[:, None]
    return picture


@pytest.mark.parametrize(
    ("first", "second", "looks"),
    [
        ((logit(0.09), logit(0.09)), SECOND, 1),
        ((logit(0.11), -9.0), SECOND, 2),
        ((-9.0, logit(0.11)), SECOND, 2),
        ((9.0, 9.0), None, 1),
    ],
)
def test_only_where_something_may_burn_the_picture_is_looked_at_again(
    first: tuple[float, float], second: SecondLook | None, looks: int
) -> None:
    network = Network(first, (0.0, 0.0))
    look_for_fire(scene(), network.run, SIDE, SIDE, second)
    assert len(network.shown) == looks


@given(first=st.tuples(LOGITS, LOGITS), again=st.tuples(LOGITS, LOGITS))
def test_logits_are_the_mean_of_both_looks_and_places_are_those_of_the_first(
    first: tuple[float, float], again: tuple[float, float]
) -> None:
    picture = scene(24, 32)
    alone = look_for_fire(picture, Network(first).run, SIDE, SIDE, None)
    both = look_for_fire(picture, Network(first, again).run, SIDE, SIDE, SecondLook(1e-9, 0.8))
    for index, seen in enumerate((both.fire, both.smoke)):
        mean = (first[index] + again[index]) / 2
        assert seen == pytest.approx(1 / (1 + np.exp(-mean)), abs=1e-6)
    np.testing.assert_array_equal(both.logits, alone.logits)


@pytest.mark.parametrize("size", [0.5, 0.8, 0.828])
def test_the_second_look_shows_all_of_the_picture_smaller_and_mirrored_upon_grey(
    size: float,
) -> None:
    network = Network((5.0, 0.0), (5.0, 0.0))
    look_for_fire(scene(), network.run, SIDE, SIDE, SecondLook(0.1, size))
    first, again = network.shown
    np.testing.assert_array_equal(first, to_input(scene(), SIDE, SIDE))
    wide = round(SIDE * size / 2) * 2
    edge = (SIDE - wide) // 2
    inner = again[edge : edge + wide, edge : edge + wide]
    np.testing.assert_array_equal(inner, to_input(scene(), wide, wide)[:, ::-1])
    around = again.copy()
    around[edge : edge + wide, edge : edge + wide] = GREY
    assert (around == GREY).all()


def test_a_cameras_picture_has_its_masks_in_both_looks() -> None:
    left = Masks([((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))])
    white = raw(np.full((360, 640, 3), 255, np.uint8)).reformat(format="yuv420p")
    network = Network((5.0, 0.0), (5.0, 0.0))
    frame = Develop(left)(white, number=1, at_ms=0)
    look_for_fire(frame, network.run, SIDE, SIDE, SECOND)
    first, again = network.shown
    assert first[:, :160].max() == 0
    assert again[32:288, 160:288].max() == 0
    assert again[32:288, 32:150].min() > 240


def _folder(root: Path, folder: Path, lines: str) -> Path:
    """A models folder whose [fire] has these lines more, and none of a second look besides."""
    kept = [
        line
        for line in (root / "models" / "manifest.toml").read_text(encoding="utf-8").splitlines()
        if not line.startswith("second_look")
    ]
    kept.insert(kept.index("[fire]") + 1, lines)
    (folder / "manifest.toml").write_text("\n".join(kept), encoding="utf-8")
    for name in ("fire.tflite", "crowd-research.tflite"):
        (folder / name).symlink_to(root / "models" / name)
    return folder


def test_a_manifest_without_a_second_look_means_one_look(root: Path, tmp_path: Path) -> None:
    assert read_manifest(_folder(root, tmp_path, "")).fire.second_look is None


def test_the_manifest_says_from_where_on_and_how_large(root: Path, tmp_path: Path) -> None:
    lines = "second_look_from = 0.1\nsecond_look_size = 0.8"
    assert read_manifest(_folder(root, tmp_path, lines)).fire.second_look == SECOND


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("second_look_from = 0.1", r"fire\.tflite: second_look_size is missing"),
        ("second_look_size = 0.8", "second_look_from is missing"),
        ("second_look_from = 0.0\nsecond_look_size = 0.8", r"second_look_from is 0\.0"),
        ("second_look_from = 0.99\nsecond_look_size = 0.8", r"between 0\.0 and 0\.\d+; copy"),
        (
            "second_look_from = 0.7\nsecond_look_size = 0.8",
            r"0\.7, .* 0\.0 and 0\.53; .*take both",
        ),
        ("second_look_from = nan\nsecond_look_size = 0.8", "second_look_from is nan"),
        ("second_look_from = 0.1\nsecond_look_size = 1.0", r"size is 1\.0, it must be between"),
        ("second_look_from = 0.1\nsecond_look_size = 0.1", r"between 0\.25 and 1\.0"),
        ('second_look_from = "low"\nsecond_look_size = 0.8', "low.* is missing or wrong"),
        ("second_look_from = [0.1]\nsecond_look_size = 0.8", "is missing or wrong"),
    ],
)
def test_a_second_look_that_means_nothing_is_refused_with_what_to_do(
    root: Path, tmp_path: Path, lines: str, told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        read_manifest(_folder(root, tmp_path, lines))


def test_the_shipped_model_runs_once_for_a_quiet_street_and_twice_for_a_burning_one(
    root: Path,
) -> None:
    entry = read_manifest(root / "models").fire
    model = load_model(entry)
    shown: list[Picture] = []

    def run(picture: Picture) -> tuple[Grid, ...]:
        shown.append(picture)
        return model.run(picture)

    for street, looks in ((_street(), 1), (_burning(), 2)):
        shown.clear()
        look_for_fire(street, run, entry.width, entry.height, entry.second_look)
        assert len(shown) == looks


def _street() -> Picture:
    return np.full((288, 384, 3), (128, 130, 128), np.uint8)


def _burning() -> Picture:
    return render_fire(_street(), t_s=1.0, growth=0.7, x=0.3, y=0.9, height_frac=0.3, seed=3)


def _scores(seen: FireScores) -> tuple[float, float]:
    return seen.fire, seen.smoke


def test_worker_evaluation_and_training_see_the_same_and_the_baseline_has_one_look(
    root: Path, tmp_path: Path
) -> None:
    lines = "second_look_from = 1e-6\nsecond_look_size = 0.8"
    manifest = read_manifest(_folder(root, tmp_path, lines))
    model = load_model(manifest.fire)
    burning = _burning()
    networks = ShippedNetworks(manifest, model, load_model(manifest.crowd))
    ours = _scores(networks.fire(Still(burning)))
    folder, file = str(tmp_path), str(tmp_path / "fire.tflite")
    options = evaluate._options(
        ["fire", "--data", ".", "--split", "x", "--models", folder, "--baseline", file]
    )
    rivals = evaluate._rivals(options)
    assert _scores(rivals["ours"].judge(burning)) == ours
    trained = rounding.judge_of(model.run, manifest.fire.width, manifest.fire.second_look)
    assert _scores(trained(burning)) == ours
    alone = _scores(fire_scores(model.run(to_input(burning, SIDE, SIDE))))
    assert _scores(rivals["baseline"].judge(burning)) == alone
    assert alone != ours
