"""The cameras' bench: its parts measure, and no bound of the round is far off."""

from pathlib import Path

from bench import parts, vision, vision_clips, vision_growth


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
    assert number(vision_growth.figures(quick=True), "growth_mb") < 50
