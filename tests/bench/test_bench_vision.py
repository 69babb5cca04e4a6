"""The cameras' bench: its parts measure, and no bound of the round is far off."""

from pathlib import Path

from bench import vision
from haidang_gateway.vision.networks import load_networks


def test_the_parts_measure_and_the_wrapper_costs_little(root: Path, tmp_path: Path) -> None:
    assert vision._invokes(3)["fire_invoke_ms"] > 0
    networks = load_networks(root / "models")
    clip = vision._clip(tmp_path / "street.ts", seconds=1)
    active = vision._active(clip, networks, 5)
    assert active["active_looks"] == 5
    assert active["active_invoke_ms"] > 0
    assert vision._growth(clip, networks, 20)["growth_mb"] < 50
