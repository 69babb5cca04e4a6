"""A camera's own factor for counts: learnt from counts by hand, set in its table."""

import sys
from pathlib import Path

import numpy as np
import pytest
from config_kit import example, loaded, problems_of
from crew_kit import fire_scores
from haidang_gateway.settings import EvidenceSettings
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import CrowdLine, WorkerSettings, ZoneSettings
from haidang_gateway.vision.observer import Observer
from haidang_gateway.vision.picture import CrowdCount, FireScores, Shown
from haidang_gateway.vision.posts import post_of

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models.measures import CrowdCase, crowd_figures
from models.own_gain import own_gain


class _TwelvePeople:
    fire_threshold = smoke_threshold = 0.5

    def fire(self, picture: Shown) -> FireScores:
        return fire_scores(0.0)

    def crowd(self, picture: Shown, person_px: float | None) -> CrowdCount:
        return CrowdCount(12.0, 6.0, 24.0, np.ones((3, 4), np.float32))


def _told(gain: float) -> CrowdLine:
    left = ZoneSettings(id="left", polygon=((0, 0), (0.5, 0), (0.5, 1), (0, 1)), area_m2=3.0)
    settings = WorkerSettings(
        id="c", source="/none", models_dir="", clock_offset_ms=0, zones=(left,), count_gain=gain
    )
    frame = Frame(number=1, at_ms=0, width=64, height=48, make=_black)
    (line,) = (
        line
        for line in Observer(_TwelvePeople(), settings).see(frame)
        if isinstance(line, CrowdLine)
    )
    return line


def _black(width: int, height: int, form: str) -> np.ndarray:
    return np.zeros((height, width) if form == "gray" else (height, width, 3), np.uint8)


def test_count_interval_and_density_of_a_zone_grow_by_the_cameras_factor() -> None:
    plain, more = _told(1.0), _told(1.5)
    assert (plain.count, plain.low, plain.high, plain.density) == (6.0, 3.0, 12.0, 2.0)
    assert (more.count, more.low, more.high, more.density) == (9.0, 4.5, 18.0, 3.0)


def test_the_factor_comes_from_the_cameras_table(root: Path, tmp_path: Path) -> None:
    text = example(root, tmp_path).replace("# count_gain = 1.0", "count_gain = 1.25")
    (camera, *_) = loaded(tmp_path, text).cameras
    post = post_of(camera, tmp_path, tmp_path, EvidenceSettings())
    assert post.worker.count_gain == 1.25
    wrong = text.replace("count_gain = 1.25", "count_gain = 12.5")
    assert "count_gain" in "\n".join(problems_of(tmp_path, wrong))


def test_a_steady_shortfall_is_learnt_and_scored_on_pictures_that_did_not_teach_it() -> None:
    truth = [float(number) for number in range(20, 60, 2)]
    learnt = own_gain([people / 1.25 for people in truth], truth)
    assert learnt == {"count_gain": 1.25, "mae_with_it": 0.0}


def test_one_strange_hour_does_not_vouch_for_itself() -> None:
    # Only in the last fifth too few are counted: what the others teach does not help there.
    truth = [40.0] * 20
    counted = [40.0] * 16 + [20.0] * 4
    learnt = own_gain(counted, truth)
    assert learnt is not None
    assert learnt["count_gain"] == pytest.approx(800 / 720, abs=1e-3)
    plain = np.abs(np.subtract(counted, truth)).mean()
    assert learnt["mae_with_it"] > plain, "so it is not worth setting"
    # Sixteen by 640 / 560, the last four by what the others say: by 1.
    assert learnt["mae_with_it"] == pytest.approx((16 * 40 / 7 + 4 * 20) / 20, abs=1e-3)


@pytest.mark.parametrize(
    ("counted", "truth"),
    [
        ([10.0] * 19, [12.0] * 19),  # too few pictures
        ([0.0] * 20, [12.0] * 20),  # nobody was seen
        ([0.0] * 20, [0.0] * 20),  # nobody was there
        ([10.0] * 20, [40.0] * 20),  # no matter of a factor
    ],
)
def test_where_a_factor_would_be_chance_or_no_cure_none_is_told(
    counted: list[float], truth: list[float]
) -> None:
    assert own_gain(counted, truth) is None


def test_the_evaluation_tells_the_factor_of_each_source() -> None:
    cases = [CrowdCase(20.0, 22, "gate") for _ in range(20)] + [CrowdCase(5.0, 5, "few")]
    per_source = crowd_figures(cases)["per_source"]
    assert isinstance(per_source, dict)
    assert per_source["gate"]["own_gain"] == {"count_gain": 1.1, "mae_with_it": 0.0}
    assert per_source["few"]["own_gain"] is None
