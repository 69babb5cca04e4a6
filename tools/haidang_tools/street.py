"""The demo camera's pictures: a real street from Debian's opencv-doc, or drawn figures."""

import contextlib
import hashlib
import logging
import subprocess
import tarfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Protocol, cast

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

log = logging.getLogger(__name__)

_PACKAGE = "opencv-doc"
_CLIP = "vtest.avi"
_DOWNLOAD_S = 180
# opencv-doc 4.6.0 to 4.10.0 carry this same file; another one would change the demo's counts.
_CLIP_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
_PLATE_PICTURES = 40


class Street(Protocol):
    """Where the scene takes its pictures from; all have one size."""

    name: str
    filmed: bool

    def pictures(self) -> Iterator[Picture]:
        """The next pictures, height x width x 3, for ever, 10 for each second."""

    def empty(self) -> Picture:
        """The same street without people."""


class FilmedStreet:
    """`vtest.avi`: 795 pictures of a real street with pedestrians, 768x576, 10 a second."""

    name = "vtest.avi (Debian opencv-doc)"
    filmed = True

    def __init__(self, clip: Path) -> None:
        """Store the path; reading starts with `pictures()`."""
        self._clip = clip

    def pictures(self) -> Iterator[Picture]:
        """Play the clip in a loop."""
        while True:
            with av.open(str(self._clip)) as clip:
                clip.streams.video[0].codec_context.thread_count = 1
                for frame in clip.decode(video=0):
                    yield _rgb(frame)

    def empty(self) -> Picture:
        """The median of pictures from the whole clip, kept beside it: whoever walks vanishes."""
        kept = self._clip.with_suffix(".empty.npy")
        with contextlib.suppress(OSError, ValueError, EOFError):  # absent, or cut off
            known: Picture = np.load(kept)
            return known
        with av.open(str(self._clip)) as clip:
            step = max(1, clip.streams.video[0].frames // _PLATE_PICTURES)
            chosen = [
                _rgb(frame)
                for number, frame in enumerate(clip.decode(video=0))
                if number % step == 0
            ]
        plate: Picture = np.median(np.stack(chosen), axis=0).astype(np.uint8)
        with contextlib.suppress(OSError):  # a cache that only others may write
            np.save(kept, plate)
        return plate


class DrawnStreet:
    """A street with moving figures, drawn: nobody should take them for people, models neither."""

    name = "drawn street (no vtest.avi)"
    filmed = False

    def pictures(self) -> Iterator[Picture]:
        """Six figures walk to and fro."""
        plate = self.empty()
        number = 0
        while True:
            picture = plate.copy()
            for figure in range(6):
                x = int(384 + 340 * np.sin(number / (40 + 7 * figure) + figure))
                y = 300 + 35 * figure
                picture[y : y + 70, x : x + 22] = (60 + 20 * figure, 50, 110)
                picture[y - 16 : y, x + 3 : x + 19] = (200, 165, 140)
            yield picture
            number += 1

    def empty(self) -> Picture:
        """Sky, a row of houses, a road with noise like a sensor's."""
        plate = np.full((576, 768, 3), (110, 112, 115), dtype=np.uint8)
        plate[:120] = (150, 175, 205)
        for house, (left, right) in enumerate(pairwise(range(0, 769, 128))):
            plate[80 - 10 * (house % 3) : 260, left:right] = (150 - 12 * house, 105, 80)
        noise = np.random.default_rng(1).integers(-8, 9, plate.shape)
        noisy: Picture = np.clip(plate + noise, 0, 255).astype(np.uint8)
        return noisy


def street(cache: Path) -> Street:
    """The filmed street where it can be had, otherwise the drawn one."""
    clip = street_video(cache)
    return DrawnStreet() if clip is None else FilmedStreet(clip)


def street_video(cache: Path) -> Path | None:
    """Path of `vtest.avi` in `cache`, fetched by apt the first time (95 MB, no root needed).

    None, with a sentence in the log, where that cannot be done.
    """
    clip = cache / _CLIP
    if clip.is_file() and _digest(clip) == _CLIP_SHA256:
        return clip
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _fetch(cache, clip)
    except (OSError, subprocess.SubprocessError, tarfile.TarError, LookupError) as error:
        log.warning(
            "the street video could not be fetched (%s): the camera shows a drawn street. "
            "Try `apt-get update`, or copy %s of Debian's %s to %s",
            error,
            _CLIP,
            _PACKAGE,
            clip,
        )
        return None
    return clip


def _fetch(cache: Path, clip: Path) -> None:
    """Download the package, take the one file out, throw the package away."""
    subprocess.run(
        ["apt-get", "-q", "download", _PACKAGE],
        cwd=cache,
        check=True,
        timeout=_DOWNLOAD_S,
        capture_output=True,
    )
    packages = sorted(cache.glob(f"{_PACKAGE}_*.deb"))
    try:
        content = _unpacked(packages[-1])
    finally:
        for package in packages:
            package.unlink()
    if hashlib.sha256(content).hexdigest() != _CLIP_SHA256:
        raise OSError(f"{_CLIP} of this {_PACKAGE} is another clip than the known one")
    part = clip.with_suffix(".part")
    part.write_bytes(content)
    part.replace(clip)


def _unpacked(package: Path) -> bytes:
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
    ) as unpacking:
        stream = unpacking.stdout
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.endswith(_CLIP) else None
                if file is not None:
                    content = file.read()
                    unpacking.kill()
                    return content
    raise KeyError(f"{_CLIP} is not in {package.name}")


def _rgb(frame: av.VideoFrame) -> Picture:
    return cast("Picture", frame.to_ndarray(format="rgb24"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
