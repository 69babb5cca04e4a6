"""Memory over 100,000 pictures: the real camera, lookout and networks, as fast as they can.

`python -m bench.vision_growth [--frames N]`; the last line is one JSON object. Time is simulated:
15 pictures a second are decoded, 5 of them judged, people counted every 2 s, the ring is filled.
"""

import tempfile
import time
from pathlib import Path

from haidang_gateway.vision.camera import Decoder, opened
from haidang_gateway.vision.crew import rss_mb
from haidang_gateway.vision.lines import WorkerSettings, ZoneSettings
from haidang_gateway.vision.lookout import Lookout
from haidang_gateway.vision.networks import load_networks
from haidang_gateway.vision.observer import Observer
from haidang_gateway.vision.source import Source

from bench import parts, vision_clips
from bench.vision_worker import MODELS

_FIRST = 10
_SECONDS = 12


class _Simulated:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_ms = 1_000.0

    def monotonic_ms(self) -> int:
        return int(self.at_ms)


def figures(frames: int = 100_000, quick: bool = False) -> parts.Figures:
    """Resident memory after a tenth of `frames` and after all of them."""
    frames = 300 if quick else frames
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="haidang-growth-") as name:
        clip = vision_clips.busy(Path(name) / "street.ts", 2 if quick else _SECONDS)
        marks = _rss(clip, Path(name), frames)
    return {
        "growth_frames": frames,
        "growth_mb": round(marks[-1] - marks[0], 1),
        "growth_most_mb": round(max(marks) - marks[0], 1),
        "growth_rss_mb": round(marks[-1], 1),
        "growth_simulated_h": round(frames / vision_clips.FPS / 3600, 2),
        "growth_took_s": round(time.monotonic() - began_s),
    }


def _rss(clip: Path, folder: Path, frames: int) -> list[float]:
    """Memory after each tenth: warm buffers are not growth, the first tenth sets the mark."""
    clock = _Simulated()
    lookout = _lookout(clip, folder, clock)
    source = Source(address=str(clip), loop=False)
    marks: list[float] = []
    period_ms, looked_ms, number = 1000 / vision_clips.FPS, 0.0, 0
    while True:
        with opened(source) as container:
            decoder = Decoder(container, source)
            for packet in decoder.packets():
                lookout.camera._decode(decoder, [packet])
                clock.at_ms += period_ms
                if clock.at_ms - looked_ms >= lookout.period_ms:
                    looked_ms = clock.at_ms
                    lookout.look()
                    lookout.mind()
                number += 1
                if number % (frames // _FIRST) == 0:
                    marks.append(rss_mb())
                    parts.LOG.info("%s pictures: %.1f MB", number, marks[-1])
                if number >= frames:
                    return marks


def _lookout(clip: Path, folder: Path, clock: _Simulated) -> Lookout:
    settings = WorkerSettings(
        id="c",
        source=str(clip),
        models_dir="",
        clock_offset_ms=0,
        idle_fps=5.0,
        zones=(ZoneSettings(id="z"),),
        evidence_dir=str(folder / "evidence"),
        view_file=str(folder / "c.view"),
    )
    observer = Observer(load_networks(MODELS), settings)
    return Lookout(settings, observer, clock, lambda line: None)


if __name__ == "__main__":
    parts.main(figures, frames=100_000)
