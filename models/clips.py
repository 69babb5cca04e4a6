"""Share of alarming frames in video clips: `models/clips.py FILE ...`, one JSON object last.

With --render SIZE a fire as high as that share of the picture is drawn on every frame first.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

if not __package__:
    # Started as a file, not as a module: the repository's root is then not on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from haidang_gateway.vision.manifest import load_model, read_manifest
from haidang_gateway.vision.picture import count_people
from haidang_gateway.vision.second_look import look_for_fire
from haidang_tools.flames import render_fire

_FRAMES = 120  # spread over the clip


def main() -> int:
    """Judge every clip and print its rates."""
    options = _options()
    manifest = read_manifest(options.models)
    fire, crowd = load_model(manifest.fire), load_model(manifest.crowd)
    result: dict[str, object] = {}
    for clip in options.clips:
        seen, people = [], []
        for number, (at_s, rgb) in enumerate(_frames(clip)):
            shown = _burning(rgb, at_s, number, options) if options.render else rgb
            entry = manifest.fire
            scores = look_for_fire(shown, fire.run, entry.width, entry.height, entry.second_look)
            seen.append((scores.fire, scores.smoke))
            if number % 8 == 0:
                count = count_people(rgb, options.person_px, crowd.run, manifest.crowd.spec)
                people.append(count.count)
        flames, smoke = np.array(seen).T
        result[clip.name] = {
            "frames": len(seen),
            "fire_rate": round(float((flames >= manifest.fire.fire_threshold).mean()), 3),
            "smoke_rate": round(float((smoke >= manifest.fire.smoke_threshold).mean()), 3),
            "fire_median": round(float(np.median(flames)), 3),
            "smoke_median": round(float(np.median(smoke)), 3),
            "people_mean": round(float(np.mean(people)), 1),
        }
        print(clip.name, result[clip.name], flush=True)
    print(json.dumps(result))
    return 0


def _burning(rgb: np.ndarray, at_s: float, number: int, options: argparse.Namespace) -> np.ndarray:
    """Draw a fire; its place and character change every 20 frames."""
    draw = np.random.default_rng(number // 20)
    place = {"x": float(draw.uniform(0.2, 0.8)), "y": float(draw.uniform(0.55, 0.95))}
    return render_fire(
        rgb,
        t_s=at_s,
        growth=options.growth,
        height_frac=options.render,
        seed=int(draw.integers(1 << 30)),
        **place,
    )


def _frames(clip: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Yield seconds and picture (RGB) of frames spread evenly over the clip."""
    with av.open(str(clip)) as container:
        total = sum(1 for _ in container.decode(video=0))
    step = max(1, total // _FRAMES)
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % step == 0:
                yield float(frame.time or 0.0), frame.to_ndarray(format="rgb24")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--render", type=float, help="flames' height as a share of the picture")
    parser.add_argument("--growth", type=float, default=1.0)
    parser.add_argument("--person-px", type=float, help="height of a person in the clips")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
