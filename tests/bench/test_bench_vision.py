"""The cameras' bench: its parts measure, and no bound of the round is far off."""

from pathlib import Path

from haidang_gateway.vision.networks import load_networks

from bench import parts, vision


def number(figures: parts.Figures, name: str) -> float:
    value = figures[name]
    assert isinstance(value, int | float), name
    return value


def test_the_parts_measure_and_memory_does_not_run_away(root: Path, tmp_path: Path) -> None:
    assert number(vision._invokes(3), "fire_invoke_ms") > 0
    networks = load_networks(root / "models")
    clip = vision._clip(tmp_path / "street.ts", seconds=1)
    active = vision._active(clip, networks, 5)
    assert number(active, "active_looks") == 5
    assert number(active, "active_invoke_ms") > 0
    assert number(vision._growth(clip, networks, 20), "growth_mb") < 50
