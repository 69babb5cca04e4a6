"""The cameras' figures: networks against the raw runtime, the way of a picture, idle, memory.

`python -m bench.vision [--quick] [--frames N]`; the last line is one JSON object. Figures of the
models on pictures stand in it where `<repo>/../shared/data` lies, else null.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from haidang_gateway.vision.camera import Decoder, Develop, Raw, Source, opened
from haidang_gateway.vision.crew import rss_mb
from haidang_gateway.vision.lines import WorkerSettings, ZoneSettings
from haidang_gateway.vision.manifest import CrowdModel, FireModel, load_model, read_manifest
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.motion import Gate
from haidang_gateway.vision.networks import ShippedNetworks, load_networks
from haidang_gateway.vision.observer import Observer
from haidang_gateway.vision.reference import Reference
from haidang_gateway.vision.view import Limits, Sight
from haidang_tools.street import DrawnStreet

from bench import parts

_ROOT = Path(__file__).resolve().parents[2]
_MODELS = _ROOT / "models"
_DATA = _ROOT.parent / "shared" / "data"
_SIZE = (720, 1280)
_FPS = 15
_IDLE_FPS = 1.0
_CAMERAS = 4


def figures(frames: int = 5_000, quick: bool = False) -> parts.Figures:
    """All of them; `frames` go through the worker's parts for the growth of memory."""
    networks = load_networks(_MODELS)
    with tempfile.TemporaryDirectory(prefix="haidang-vision-") as name:
        folder = Path(name)
        clip = _clip(folder / "street.ts", seconds=4 if quick else 12)
        result: parts.Figures = {
            **_invokes(20 if quick else 200),
            **_active(clip, networks, 20 if quick else 120),
            **_idle(folder, 4.0 if quick else 30.0),
            **_worker_memory(clip, 6.0 if quick else 30.0),
            **_growth(clip, networks, 200 if quick else frames),
        }
    return result | ({"models": None} if quick else {"models": _models()})


def _invokes(rounds: int) -> parts.Figures:
    """Our interpreter against the raw one on the same input, in turns: processor time."""
    manifest = read_manifest(_MODELS)
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


def _active(clip: Path, networks: ShippedNetworks, looks: int) -> parts.Figures:
    """One analysed picture of 720p, and the share of it that no network uses: processor time."""
    source = Source(address=str(clip), loop=False)
    settings = WorkerSettings(id="c", source="", models_dir="", clock_offset_ms=0)
    timed = _Timed(networks)
    observer = Observer(timed, settings)
    develop, gate, sight = Develop(Masks()), Gate(Masks()), _sight()
    decode_s = work_s = 0.0
    done, viewed_ms = 0, -1000
    for at_ms, decoded_s, picture in _pictures(source):
        decode_s += decoded_s
        if done >= looks:
            break
        began_s = time.thread_time()
        frame = develop(picture, number=done, at_ms=at_ms)
        if at_ms >= viewed_ms + 1000:
            viewed_ms = at_ms
            sight.see(frame.luma, at_ms)
        gate.see(frame.luma)
        observer.see(frame)
        work_s += time.thread_time() - began_s
        done += 1
    per_ms = 1000 / max(done, 1)
    around_s = decode_s + work_s - timed.used_s
    total_s = (decode_s + work_s) / max(done, 1)
    return {
        "active_looks": done,
        "active_decode_ms": round(decode_s * per_ms, 2),
        "active_invoke_ms": round(timed.used_s * per_ms, 2),
        "active_rest_ms": round((work_s - timed.used_s) * per_ms, 2),
        "active_overhead_pct": round(around_s / max(timed.used_s, 1e-9) * 100, 1),
        "cameras_per_core_at_1_fps": int(1 / max(total_s, 1e-9)),
    }


class _Timed:
    """The shipped networks, with the processor time inside the runtime alone."""

    def __init__(self, networks: ShippedNetworks) -> None:
        self._networks = networks
        self.fire_threshold = networks.fire_threshold
        self.smoke_threshold = networks.smoke_threshold
        self.used_s = 0.0
        self._run = networks._fire.run
        networks._fire.run = self._timed_run  # type: ignore[method-assign]
        self.fire = networks.fire
        self.crowd = networks.crowd

    def _timed_run(self, picture: np.ndarray) -> tuple[np.ndarray, ...]:
        began_s = time.thread_time()
        try:
            return self._run(picture)
        finally:
            self.used_s += time.thread_time() - began_s


def _pictures(source: Source) -> Iterator[tuple[int, float, Raw]]:
    """Each decoded picture with the processor time it took."""
    while True:
        with opened(source) as container:
            decoder = Decoder(container, source)
            began_s = time.thread_time()
            for packet in decoder.packets():
                for picture in decoder.pictures(packet):
                    now_s = time.thread_time()
                    yield int((picture.time or 0) * 1000), now_s - began_s, picture
                    began_s = time.thread_time()


def _sight() -> Sight:
    return Sight(Limits(), Reference(), Masks(), loops=False)


_IDLE = """
import json, resource, sys, threading
from haidang_gateway.clock import Clock
from haidang_gateway.vision.crew import Crew, rss_mb
from haidang_gateway.vision.lines import WorkerSettings, ZoneSettings
from haidang_gateway.vision.networks import load_networks
from pathlib import Path
models, clips, people = sys.argv[1], json.loads(sys.argv[2]), sys.argv[4]
seconds = float(sys.argv[3])
settings = [
    WorkerSettings(id=f"c{i}", source=clip, models_dir="", clock_offset_ms=0, loop=True,
                   zones=(ZoneSettings(id="z"),) if people == "people" else (),
                   evidence_dir=sys.argv[5])
    for i, clip in enumerate(clips)
]
crew = Crew(settings, load_networks(Path(models)), Clock(), lambda line: None)
for lookout in crew.lookouts.values():
    if people != "people":
        lookout._awake_until_ms = 0
threading.Timer(3.0, lambda: began.append(resource.getrusage(resource.RUSAGE_SELF))).start()
began = []
threading.Timer(3.0 + seconds, crew.stop).start()
crew.run()
after = resource.getrusage(resource.RUSAGE_SELF)
used = sum(getattr(after, n) - getattr(began[0], n) for n in ("ru_utime", "ru_stime"))
peak = max(0.0, after.ru_maxrss / 1000)
counters = [x.camera.counters for x in crew.lookouts.values()]
print(json.dumps({"share": used / seconds, "rss_mb": rss_mb(), "peak_mb": peak,
                  "decoded": sum(c.decoded for c in counters),
                  "skipped": sum(c.skipped for c in counters)}))
"""


def _idle(folder: Path, seconds: float) -> parts.Figures:
    """A worker whose one camera shows an empty street, 720p, 15 frames a second, H.264."""
    still = _still(folder / "still.ts", seconds=10)
    said = _run(_IDLE, str(_MODELS), json.dumps([str(still)]), str(seconds), "none", str(folder))
    return {
        "idle_core_pct": round(said["share"] * 100, 2),
        "idle_decoded": said["decoded"],
        "idle_skipped": said["skipped"],
    }


def _worker_memory(clip: Path, seconds: float) -> parts.Figures:
    """Resident memory of a worker with both models and four cameras of 720p."""
    clips = json.dumps([str(clip)] * _CAMERAS)
    said = _run(_IDLE, str(_MODELS), clips, str(seconds), "people", str(clip.parent / "kept"))
    return {"worker_rss_mb": round(said["rss_mb"], 1), "worker_peak_mb": round(said["peak_mb"], 1)}


def _run(script: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _growth(clip: Path, networks: ShippedNetworks, frames: int) -> parts.Figures:
    """Memory before and after many pictures through all that a worker does with them."""
    zones = (ZoneSettings(id="z"),)
    settings = WorkerSettings(
        id="c", source="", models_dir="", clock_offset_ms=0, zones=zones, crowd_every_s=60.0
    )
    observer, develop = Observer(networks, settings), Develop(Masks())
    gate, sight = Gate(Masks()), _sight()
    source = Source(address=str(clip), loop=False)
    before_mb = 0.0
    for number, (_, _, picture) in enumerate(_pictures(source)):
        # Warm buffers are not growth: the first tenth sets the mark.
        if number == frames // 10:
            before_mb = rss_mb()
        if number >= frames:
            break
        at_ms = number * 66
        frame = develop(picture, number=number, at_ms=at_ms)
        sight.see(frame.luma, at_ms)
        gate.see(frame.luma)
        observer.see(frame)
    return {"growth_frames": frames, "growth_mb": round(rss_mb() - before_mb, 1)}


def _clip(path: Path, seconds: int) -> Path:
    """A drawn street with walkers at 720p, H.264, a key frame each second."""
    view = DrawnStreet()
    pictures = view.pictures()
    return _encode(path, (next(pictures) for _ in range(seconds * _FPS)))


def _still(path: Path, seconds: int) -> Path:
    """The same street, empty, with a sensor's noise."""
    noise = np.random.default_rng(1)
    empty = DrawnStreet().empty()

    def grainy() -> np.ndarray:
        grain = noise.integers(-3, 4, empty.shape)
        picture: np.ndarray = np.clip(empty.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        return picture

    return _encode(path, (grainy() for _ in range(seconds * _FPS)))


def _encode(path: Path, pictures: Iterator[np.ndarray]) -> Path:
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("libx264", rate=Fraction(_FPS), options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = *_SIZE, "yuv420p"
        stream.gop_size, stream.bit_rate = _FPS, 2_000_000
        for rgb in pictures:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            clip.mux(stream.encode(frame.reformat(_SIZE[1], _SIZE[0], "yuv420p")))
        clip.mux(stream.encode())
    return path


def _models() -> dict[str, object] | None:
    """The models' figures on the validation lists, where the data lies beside the repository."""
    if not _DATA.is_dir():
        return None
    wanted = (("fire", "val.jsonl"), ("fire", "val2.jsonl"), ("crowd", "val.jsonl"))
    return {f"{task}/{split}": _evaluated(task, split) for task, split in wanted}


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
    parts.main(figures, frames=5_000)
