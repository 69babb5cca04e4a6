"""The cameras' bench: its parts measure, and no bound of the round is far off."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from crew_kit import fire_scores
from haidang_gateway.vision.picture import FireScores, Shown

from bench import (
    parts,
    vision,
    vision_clips,
    vision_growth,
    vision_street,
    vision_turns,
    vision_week,
)
from bench.vision_judge import Calm
from bench.vision_weather import Weather, at_hour, changed


def number(figures: parts.Figures, name: str) -> float:
    value = figures[name]
    assert isinstance(value, int | float), name
    return value


def test_the_parts_measure_and_memory_does_not_run_away(tmp_path: Path) -> None:
    assert number(vision._invokes(3), "fire_invoke_ms") > 0
    clip = vision_clips.busy(tmp_path / "street.ts", 2, vision_clips.SMALL)
    work = vision._at_work("suspecting", clip, 1.0, awake=True)
    assert number(work, "suspecting_looks") >= 3
    assert number(work, "suspecting_invoke_ms") > 0
    assert work["suspecting_second_looks"] == 0, "nothing burns in a drawn street"
    assert number(vision_growth.figures(quick=True), "growth_mb") < 50


class Eye:
    """Sees flames by their colour."""

    fire_threshold = smoke_threshold = 0.5
    invokes = pictures = alarming = 0

    def forget(self) -> None:
        pass

    def fire(self, picture: Shown) -> FireScores:
        self.invokes += 1
        red, green, blue = (x.astype(int) for x in np.moveaxis(picture.sized(70, 70), 2, 0))
        burns = (red > 150) & (red > green + 25) & (green > blue + 25)
        cells = burns.reshape(7, 10, 7, 10).mean(axis=(1, 3)).astype(np.float32)
        score = 0.9 if cells.max() > 0.2 else 0.1
        return fire_scores(score, cells)


def test_a_synthetic_hour_finds_its_fire_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = Weather("clear", 0.9, 0.0, night=False, noise_levels=2.0, quality=4)
    monkeypatch.setattr(vision_street, "at_hour", lambda *_: noon)
    clip = vision_clips.busy(tmp_path / "street.ts", 1, vision_clips.SMALL)
    told = vision_week.week([clip], Eye(), hours=1)  # type: ignore[arg-type]
    assert (told["week_events"], told["week_found"], told["week_false_alarms"]) == (1, 1, 0)
    assert number(told, "week_hours") == pytest.approx(1.0, abs=0.1)
    assert 3 < number(told, "week_false_alarms_per_hour_95") < 3.3
    assert number(told, "week_seconds_to_alarm_median") < 120


def test_an_alarm_counts_for_the_fire_that_burns_or_else_is_false(tmp_path: Path) -> None:
    clip = vision_clips.busy(tmp_path / "street.ts", 1, vision_clips.SMALL)
    street = vision_street.Street(clip, Eye(), hours=24, seed=1)  # type: ignore[arg-type]
    first, *others = street.fires
    street.alarms = [(first.begins_s - 5.0, "smoke"), (first.begins_s + 9.0, "fire")]
    assert street.found_s() == [9.0, *[None] * len(others)]
    assert street.false_alarms() == [(first.begins_s - 5.0, "smoke")]


def test_a_simulated_day_has_a_night_and_every_sky() -> None:
    draw, weather, seen = np.random.default_rng(3), None, []
    for block in range(7 * 96):
        weather = at_hour(block / 4 % 24, weather, draw)
        seen.append((block / 4 % 24, weather))
    assert {w.sky for _, w in seen} == {"clear", "cloudy", "rain", "fog"}
    assert all(w.night for hour, w in seen if hour < 5 or hour > 19)
    assert not any(w.night for hour, w in seen if 7 < hour < 17)
    street = np.full((90, 160, 3), 120, np.uint8)
    shown = [changed(street, w, draw) for _, w in seen[:96:8]]
    assert all(picture.shape == street.shape for picture in shown)
    assert min(float(p.mean()) for p in shown) < 60 < max(float(p.mean()) for p in shown)


def test_a_camera_that_is_turned_is_told_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = Weather("clear", 0.9, 0.0, night=False, noise_levels=2.0, quality=4)
    monkeypatch.setattr(vision_street, "at_hour", lambda *_: noon)
    clip = vision_clips.busy(tmp_path / "street.ts", 10, vision_clips.SMALL)
    told = vision_week.week([clip], Calm(), hours=1, seed=11, turned=True)
    assert (told["week_turns"], told["week_turns_found"], told["week_view_faults"]) == (1, 1, 0)
    assert 60 <= number(told, "week_turns_seconds_median") < 90
    assert number(told, "week_turns_seconds_to_end_most") < 30


def test_a_turn_that_is_told_late_is_missed_and_a_word_outside_of_turns_is_false() -> None:
    turn = vision_turns.Turn(begins_s=1000, kind="upside down")
    assert vision_turns.told_s(turn, [(1070.0, "turned"), (1310.0, "turned")]) == (70.0, 10.0)
    assert vision_turns.told_s(turn, [(999.0, "turned"), (1070.0, "blurred")]) == (None, 0.0)
    missed = vision_turns.figures([([turn], [])])
    assert (missed["week_turns_found"], missed["week_turns_missed"]) == (0, {"upside down": 1})


def test_a_day_of_turns_has_each_kind_once_and_none_before_the_view_is_known() -> None:
    drawn = vision_turns.turns(24, np.random.default_rng(5))
    assert sorted(turn.kind for turn in drawn) == sorted(vision_turns.KINDS)
    apart = [b.begins_s - a.begins_s for a, b in itertools.pairwise(drawn)]
    assert min(apart) > 600
    assert drawn[0].begins_s >= 900
    street = np.arange(90 * 160 * 3, dtype=np.uint8).reshape(90, 160, 3)
    assert {turn.shown(street).shape for turn in drawn} == {street.shape}
