"""The films that the cameras' bench plays: a drawn street at 15 frames a second, H.264."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from haidang_tools.street import DrawnStreet

FPS = 15
FULL = (1280, 720)
SMALL = (640, 360)
_BITS_PER_PIXEL = 2_000_000 / (FULL[0] * FULL[1])


def busy(path: Path, seconds: int, size: tuple[int, int] = FULL) -> Path:
    """A street with walkers, a key frame each second, 2 Mbit/s at 720p."""
    pictures = DrawnStreet().pictures()
    return _encode(path, (next(pictures) for _ in range(seconds * FPS)), size)


def still(path: Path, seconds: int) -> Path:
    """The same street at 720p, empty, with a sensor's noise."""
    noise = np.random.default_rng(1)
    empty = DrawnStreet().empty()

    def grainy() -> np.ndarray:
        grain = noise.integers(-3, 4, empty.shape)
        picture: np.ndarray = np.clip(empty.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        return picture

    return _encode(path, (grainy() for _ in range(seconds * FPS)), FULL)


def _encode(path: Path, pictures: Iterator[np.ndarray], size: tuple[int, int]) -> Path:
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("libx264", rate=Fraction(FPS), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.gop_size = FPS
        stream.bit_rate = int(_BITS_PER_PIXEL * size[0] * size[1])
        for rgb in pictures:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            clip.mux(stream.encode(frame.reformat(*size, "yuv420p")))
        clip.mux(stream.encode())
    return path
