"""Events, frames and votes of one camera, for tests of what is kept of them."""

from pathlib import Path

import numpy as np
from haidang_gateway.vision.camera import Develop, raw
from haidang_gateway.vision.evidence import Event, EvidenceFolder
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import FlameLine, SmokeLine
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.witness import Witness

NOW_MS = 1_764_000_000_000
DAY_MS = 86_400_000
KEY = bytes(range(32))


def event(at_ms: int = NOW_MS, picture: bytes = b"picture", camera: str = "east") -> Event:
    """Flames in the middle."""
    return Event(
        camera=camera,
        kind="fire",
        score=0.91,
        box=(0.5, 0.5, 0.2, 0.2),
        at_ms=at_ms,
        picture=picture,
        crop=b"crop",
    )


def kept_with_seconds_before(where: Path, key: bytes | None = None) -> Path:
    """An event and two pictures from before it; its folder."""
    folder = EvidenceFolder(where, key)
    folder.keep(event())
    path = folder.where(event())
    folder.follow(path, NOW_MS, [(NOW_MS - 1500, b"before"), (NOW_MS - 1000, b"later")])
    return path


def shown(
    colour: tuple[int, int, int], at_ms: int = NOW_MS, size: tuple[int, int] = (360, 640)
) -> Frame:
    """A frame of one colour."""
    rgb = np.full((*size, 3), colour, np.uint8)
    return Develop(Masks())(raw(rgb), number=1, at_ms=at_ms)


def folders(where: Path) -> list[Path]:
    """Every event of every camera."""
    return sorted(p for p in where.glob("*/*") if p.is_dir())


def burning(
    witness: Witness, *, at_ms: int = NOW_MS, colour: tuple[int, int, int] = (90, 90, 90)
) -> FlameLine | SmokeLine:
    """The line of flames that begin in a picture of that colour, signed."""
    line = FlameLine(active=True, score=0.9, box=(0.5, 0.5, 0.2, 0.2), at_ms=at_ms)
    return witness.sign(line, shown(colour, at_ms))


def watch(witness: Witness, seconds: float, *, since_s: float = 0.0) -> None:
    """Two pictures a second, brighter each second, after `since_s`."""
    for i in range(int(2 * since_s), int(2 * seconds)):
        at_ms = NOW_MS + i * 500 + 100
        witness.see(shown((100 + i, 80, 60), at_ms), awake=True)
