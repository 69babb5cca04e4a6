"""A worker over drawn clips, with networks whose answers are known."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
from haidang_gateway.clock import Clock
from haidang_gateway.vision.crew import Crew
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.frame import Picture
from haidang_gateway.vision.lines import WorkerSettings
from haidang_gateway.vision.picture import CrowdCount, FireScores, Shown
from numpy.typing import NDArray

NOTHING = np.zeros((7, 7), dtype=np.float32)
LEFT = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))


def fire_scores(fire: float, cells: NDArray[np.float32] = NOTHING) -> FireScores:
    """What a network says of flames and of where they are; nothing smokes."""
    sure = np.clip(np.stack([cells, np.zeros_like(cells)], axis=-1), 1e-9, 1 - 1e-6)
    return FireScores(fire, 0.0, np.log(sure / (1 - sure)))


class Networks:
    """Burning where the picture is bright, but not white; remembers what it was shown."""

    fire_threshold = 0.5
    smoke_threshold = 0.5

    def __init__(self) -> None:
        self.shown: list[Picture] = []

    def fire(self, picture: Shown) -> FireScores:
        """Flames in all of it, or none."""
        rgb = picture.sized(160, 96)
        self.shown.append(rgb)
        score = 0.9 if 128 < rgb[:, rgb.shape[1] // 2 :].mean() < 245 else 0.1
        cells = np.full((7, 7), score, dtype=np.float32)
        return fire_scores(score, cells)

    def crowd(self, picture: Shown, person_px: float | None) -> CrowdCount:
        """One, whatever is shown."""
        return CrowdCount(1.0, 0.0, 2.0, np.ones((3, 4), dtype=np.float32))


def noisy(level: int, seed: int, size: tuple[int, int] = (96, 160)) -> Picture:
    """A grey picture with a sensor's noise."""
    grain = np.random.default_rng(seed).integers(-20, 21, (*size, 3))
    shown: Picture = np.clip(level + grain, 0, 255).astype(np.uint8)
    return shown


def write_clip(
    path: Path, pictures: Iterable[Picture], *, rate: int = 20, codec: str = "mpeg4", gop: int = 10
) -> str:
    """A film file; its path."""
    first, *_ = shown = list(pictures)
    with av.open(str(path), "w") as clip:
        stream: Any = clip.add_stream(codec, rate=rate)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", gop, 3_000_000
        for rgb in shown:
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        clip.mux(stream.encode())
    return str(path)


def settings(camera: str, source: str | Path, **changes: Any) -> WorkerSettings:
    """A camera that is looked at as often as its file has pictures."""
    base: dict[str, Any] = {"loop": False, "fps": 20.0, "idle_fps": 20.0, "alive_every_s": 0.2}
    base |= {"fault_every_s": 0.3, "fire_need": 3, "fire_of": 5}
    return WorkerSettings(
        id=camera, source=str(source), models_dir="", clock_offset_ms=0, **base | changes
    )


def play(*cameras: WorkerSettings, networks: Networks | None = None) -> list[Any]:
    """All lines of a worker that looks at every picture until its files have ended."""
    lines: list[Any] = []
    in_step(Crew(cameras, networks or Networks(), Clock(), lines.append)).run()
    return lines


def in_step(crew: Crew) -> Crew:
    """The same crew, whose films wait for their looker.

    On a busy machine a film would run on, as the street before a camera does, and pictures that a
    test counts would never be seen. Looks are at least as far apart as the worker takes its turns.
    """
    for lookout in crew.lookouts.values():
        _hold(lookout.camera)
    return crew


def _hold(camera: Camera) -> None:
    tell = camera._on_fresh

    def tell_and_wait() -> None:
        if tell is not None:
            tell()
        while camera.waiting and not camera._stop.wait(0.001):
            pass

    camera._on_fresh = tell_and_wait
