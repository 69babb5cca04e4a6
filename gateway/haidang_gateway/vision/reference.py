"""What a camera usually sees: its edges and their steepness, slowly learnt and kept in a file."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.vision.edges import COLUMNS, ROWS, Answer, Edges, compare, likeness
from haidang_gateway.vision.motion import Luma

Steps = NDArray[np.int16]

_STRONG = 0.95
_HEAD = struct.Struct("<4sffI")
_MAGIC = b"HDV3"
_LEVELS = 7
# Half of the difference is learnt in a day of good pictures: what is built and what the seasons
# change is followed, a mount that sags is not, unless it takes more than a day for each fiftieth
# of the width. The steepness follows the light: half of it in two hours.
_DAY_MS = 86_400_000
_HALF_MS, _HALF_SHARP_MS = _DAY_MS, 7_200_000
_FIRST_MS = 600_000


def steps(luma: Luma) -> Steps:
    """How much brighter or darker each pixel's neighbours to the right and below are, summed."""
    light = luma.astype(np.int16)
    here = light[:-1, :-1]
    found: Steps = np.abs(light[:-1, 1:] - here)
    found += np.abs(light[1:, :-1] - here)
    return found


def sharpness(luma: Luma, found: Steps) -> float:
    """How steep the strong edges are, through the picture's contrast: falls when focus is lost.

    The strong ones (a twentieth of all steps): a mean would be made up of noise. The contrast
    within 3 x 4 fields: that of the whole picture doubles when a shadow covers half of it.
    """
    high, wide = luma.shape[0] // 3, luma.shape[1] // 4
    fields = luma[: high * 3, : wide * 4].reshape(3, high, 4, wide)
    contrast = float(fields.std(axis=(1, 3), dtype=np.float32).mean())
    return _quantile(found, _STRONG) / (contrast + 1.0)


class Reference:
    """The learnt view: edges and sharpness. `to_bytes` and `from_bytes` keep it in 4 KB."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._edges: Edges | None = None
        self._sharpness = 0.0
        self._learnt_ms = 0
        self._at_ms: int | None = None

    @property
    def known(self) -> bool:
        """Whether ten minutes of good pictures were learnt."""
        return self._edges is not None and self._learnt_ms >= _FIRST_MS

    @property
    def young(self) -> bool:
        """Whether less than a day was learnt: perhaps one light alone."""
        return self._learnt_ms < _DAY_MS

    @property
    def edges(self) -> Edges | None:
        """What was learnt so far."""
        return self._edges

    def compare(self, now: Edges) -> Answer:
        """Whether `now` is the learnt view."""
        return (
            "unclear" if self._edges is None else compare(self._edges, now, one_light=self.young)
        )

    def likeness(self, now: Edges) -> float:
        """How much `now` has in common with what was learnt: 1 all, 0 nothing."""
        return 0.0 if self._edges is None else likeness(self._edges, now)

    def sharpness_share(self, now: float) -> float:
        """Sharpness now as a share of the learnt one."""
        return now / self._sharpness if self._sharpness > 0 else 1.0

    def learn(self, now: Edges, sharp: float, at_ms: int) -> None:
        """Learn from one good picture, by the time since the one before (at most 60 s)."""
        past_ms = 0 if self._at_ms is None else min(60_000, max(0, at_ms - self._at_ms))
        self._at_ms = at_ms
        if self._edges is None:
            self._edges, self._sharpness = now.copy(), sharp
            return
        self._learnt_ms = min(self._learnt_ms + past_ms, 10 * _HALF_MS)
        # A plain mean at first, a slow one later.
        share, sharp_share = (
            past_ms / min(self._learnt_ms + 1_000, 1.44 * half_ms)
            for half_ms in (_HALF_MS, _HALF_SHARP_MS)
        )
        self._edges += (now - self._edges) * np.float32(share)
        self._sharpness += (sharp - self._sharpness) * sharp_share

    def to_bytes(self) -> bytes:
        """The learnt view for a file; empty before anything was learnt."""
        if self._edges is None:
            return b""
        parts = self._edges.view(np.float32)
        scale = max(float(np.abs(parts).max()), 1e-6)
        head = _HEAD.pack(_MAGIC, self._sharpness, scale, self._learnt_ms)
        body = head + _packed(parts / np.float32(scale))
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Reference":
        """The view of a file; what is damaged or of another form is learnt anew."""
        view = cls()
        size = _HEAD.size + ROWS * COLUMNS
        if len(content) != size + 4 or content[:4] != _MAGIC:
            return view
        if struct.unpack("<I", content[size:])[0] != zlib.crc32(content[:size]):
            return view
        _, view._sharpness, scale, view._learnt_ms = _HEAD.unpack_from(content)
        parts = _unpacked(content[_HEAD.size : size]) * np.float32(scale)
        view._edges = parts.view(np.complex64).reshape(ROWS, COLUMNS)
        return view


class KeptReference:
    """A reference in a file. Where somebody deletes the file, the view is learnt anew."""

    def __init__(self, path: Path | None) -> None:
        """Read the file where there is one; None keeps nothing."""
        self._path = path
        self._saved = path is not None and path.is_file()
        content = path.read_bytes() if path is not None and self._saved else b""
        self.view = Reference.from_bytes(content)

    def save(self) -> None:
        """Write what is known so far, or begin anew if the file was taken away."""
        if self._path is None:
            return
        if self._saved and not self._path.is_file():
            self.view, self._saved = Reference(), False
            return
        if not (content := self.view.to_bytes()):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(self._path)
        self._saved = True


def _quantile(found: Steps, share: float) -> float:
    """The step that `share` of them do not exceed: whole numbers are counted, not sorted."""
    up_to = np.bincount(found.ravel()).cumsum()
    at = share * (found.size - 1)
    below, above = (int(np.searchsorted(up_to, n, side="right")) for n in (int(at), -(-at // 1)))
    return below + (above - below) * (at - int(at))


def _packed(parts: NDArray[np.float32]) -> bytes:
    """Numbers of -1..1 as four bits each, small ones more finely."""
    levels = np.rint(np.sqrt(np.abs(parts)) * _LEVELS) * np.sign(parts) + _LEVELS
    pairs = levels.astype(np.uint8).reshape(-1, 2)
    content: bytes = (pairs[:, 0] << 4 | pairs[:, 1]).tobytes()
    return content


def _unpacked(content: bytes) -> NDArray[np.float32]:
    pairs = np.frombuffer(content, np.uint8)
    levels = np.stack([pairs >> 4, pairs & 15], axis=1).ravel().astype(np.float32) - _LEVELS
    parts: NDArray[np.float32] = levels * np.abs(levels) / np.float32(_LEVELS**2)
    return parts
