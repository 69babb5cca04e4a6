"""The cameras' figures: networks against the raw runtime, the way of a picture, idle, memory.

`python -m bench.vision [--quick] [--frames N]`; the last line is one JSON object. Figures of the
models on pictures stand in it where `<repo>/../shared/data` lies, else null. The growth of memory
and the synthetic week run alone: `bench.vision_growth`, `bench.vision_week`.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from haidang_gateway.vision.manifest import CrowdModel, FireModel, load_model, read_manifest

from bench import parts, vision_clips, vision_crowds, vision_growth
from bench.vision_worker import MODELS, measured

_ROOT = Path(__file__).resolve().parents[2]
_DATA = _ROOT.parent / "shared" / "data"
_CAMERAS = 4
# Longer than warming up and measuring: no camera's stream is opened anew every half minute.
_FILM_MORE_S = 10


def figures(frames: int = 10_000, quick: bool = False) -> parts.Figures:
    """All of them; `frames` go through the worker's parts for the growth of memory."""
    with tempfile.TemporaryDirectory(prefix="haidang-vision-") as name:
        folder = Path(name)
        seconds = 4.0 if quick else 30.0
        length = int(seconds) + _FILM_MORE_S
        full = vision_clips.busy(folder / "full.ts", length)
        small = vision_clips.busy(folder / "small.ts", length, vision_clips.SMALL)
        result: parts.Figures = {
            **_invokes(20 if quick else 200),
            **_at_work("suspecting", full, seconds, awake=True),
            **_at_work("suspecting_360p", small, seconds, awake=True),
            **_at_work("moving", full, seconds, awake=False),
            **_idle(folder, seconds),
            **_memory(full, seconds),
        }
    result |= vision_growth.figures(frames, quick)
    result |= vision_crowds.figures(quick)
    return result | ({"models": None} if quick else {"models": _models()})


def _at_work(name: str, clip: Path, seconds: float, *, awake: bool) -> parts.Figures:
    """What a worker with one camera and one zone spends around the networks' invoke().

    "suspecting": of 15 pictures a second 5 are judged, those decoded that they need; "moving": key
    frames alone, one a second. People are counted every 2 s. Overhead is everything that the
    process spends beyond invoke() of both networks (a second look for fire is one more of them),
    as a share of that; "around" leaves decoding and waiting out.
    """
    seen = measured([clip], seconds, clip.parent, awake=awake, people=True)
    each_ms = 1000 / max(1, seen["looks"])
    invoke_s = max(seen["invoke_s"], 1e-9)
    around_s = seen["look_s"] - seen["invoke_s"]
    return {
        f"{name}_looks": seen["looks"],
        f"{name}_second_looks": seen["second_looks"],
        f"{name}_invoke_ms": round(seen["invoke_s"] * each_ms, 2),
        f"{name}_decode_ms": round(seen["decode_s"] * each_ms, 2),
        f"{name}_around_ms": round(around_s * each_ms, 2),
        f"{name}_waiting_ms": round(
            (seen["total_s"] - seen["decode_s"] - seen["look_s"]) * each_ms, 2
        ),
        f"{name}_overhead_pct": round((seen["total_s"] / invoke_s - 1) * 100, 1),
        f"{name}_around_pct": round(around_s / invoke_s * 100, 1),
        f"{name}_cameras_per_core": int(1 / max(seen["core_share"], 1e-9)),
    }


def _idle(folder: Path, seconds: float) -> parts.Figures:
    """A worker whose one camera shows an empty street, 720p, 15 frames a second, H.264."""
    clip = vision_clips.still(folder / "still.ts", int(seconds) + _FILM_MORE_S)
    seen = measured([clip], seconds, folder, awake=False)
    return {
        "idle_core_pct": round(seen["core_share"] * 100, 2),
        "idle_decoded": seen["decoded"],
        "idle_skipped": seen["skipped"],
    }


def _memory(clip: Path, seconds: float) -> parts.Figures:
    """Resident memory of a worker with both models and four suspecting cameras of 720p."""
    seen = measured([clip] * _CAMERAS, seconds, clip.parent, awake=True, people=True)
    return {"worker_rss_mb": round(seen["rss_mb"], 1), "worker_peak_mb": round(seen["peak_mb"], 1)}


def _invokes(rounds: int) -> parts.Figures:
    """Our interpreter against the raw one on the same input, in turns: processor time."""
    manifest = read_manifest(MODELS)
    return {
        f"{name}_{key}": value
        for name, entry in (("fire", manifest.fire), ("crowd", manifest.crowd))
        for key, value in _invoke(entry, rounds).items()
    }


def _invoke(entry: FireModel | CrowdModel, rounds: int) -> dict[str, float]:
    model = load_model(entry)
    raw = Interpreter(model_path=str(entry.path), num_threads=1)
    raw.allocate_tensors()
    index = raw.get_input_details()[0]["index"]
    picture = np.random.default_rng(1).integers(0, 255, model.input_shape).astype(np.uint8)
    ours, theirs = [], []
    for _ in range(rounds):
        began_s = time.thread_time()
        model.run(picture)
        between_s = time.thread_time()
        raw.set_tensor(index, picture[None])
        raw.invoke()
        ours.append(between_s - began_s)
        theirs.append(time.thread_time() - between_s)
    ours_ms, theirs_ms = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
    return {
        "invoke_ms": round(ours_ms, 2),
        "raw_invoke_ms": round(theirs_ms, 2),
        "over_raw_pct": round((ours_ms / theirs_ms - 1) * 100, 1),
    }


def _models() -> dict[str, object] | None:
    """The fire model's figures on the validation lists, where the data is there."""
    if not _DATA.is_dir():
        return None
    return {f"fire/{split}": _evaluated("fire", split) for split in ("val.jsonl", "val2.jsonl")}


def _evaluated(task: str, split: str) -> object:
    parts.LOG.info("models/evaluate.py %s %s", task, split)
    command = [sys.executable, "models/evaluate.py", task, "--data", str(_DATA)]
    done = subprocess.run(
        [*command, "--split", split, "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


if __name__ == "__main__":
    parts.main(figures, frames=10_000)
