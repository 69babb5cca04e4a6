"""What a camera usually sees: a small map of edges, slowly learnt, to notice a turned view."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.vision.motion import Luma

Edges = NDArray[np.float32]
Steps = NDArray[np.int16]

_ROWS, _COLUMNS = 24, 40
_STRONG = 0.95
_HEAD = struct.Struct("<4sfI")
_MAGIC = b"HDV2"
# Half of the difference is learnt in two hours of good pictures: a day's light is followed, the
# way from "turned" to "usual" is not.
_HALF_MS = 7_200_000
_FIRST_MS = 600_000


def steps(luma: Luma) -> Steps:
    """How much brighter or darker each pixel's neighbours to the right and below are, summed."""
    light = luma.astype(np.int16)
    here = light[:-1, :-1]
    found: Steps = np.abs(light[:-1, 1:] - here)
    found += np.abs(light[1:, :-1] - here)
    return found


def edges(found: Steps) -> Edges | None:
    """Strength of the edges in 24 x 40 fields, mean 0 and length 1; None for tiny pictures."""
    high, wide = (n // fields for n, fields in zip(found.shape, (_ROWS, _COLUMNS), strict=True))
    if high == 0 or wide == 0:
        return None
    whole = found[: high * _ROWS, : wide * _COLUMNS].astype(np.float32)
    bands = whole.reshape(_ROWS, high, _COLUMNS * wide).sum(axis=1)
    strength = np.sqrt(bands.reshape(_ROWS, _COLUMNS, wide).sum(axis=2) / (high * wide))
    strength -= strength.mean()
    length = float(np.sqrt((strength * strength).sum()))
    unit: Edges = (strength / max(length, 1e-6)).astype(np.float32)
    return unit


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
    """The learnt view: edges and sharpness. `to_bytes` and `from_bytes` keep it in 2 KB."""

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

    def likeness(self, now: Edges) -> float:
        """How much the view is the learnt one: 1 the same, 0 nothing in common."""
        if self._edges is None:
            return 1.0
        length = float(np.sqrt((self._edges * self._edges).sum()))
        return float((self._edges * now).sum()) / max(length, 1e-6)

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
        share = np.float32(past_ms / min(self._learnt_ms + 1_000, 1.44 * _HALF_MS))
        self._edges += (now - self._edges) * share
        self._sharpness += (sharp - self._sharpness) * float(share)

    def to_bytes(self) -> bytes:
        """The learnt view for a file; empty before anything was learnt."""
        if self._edges is None:
            return b""
        head = _HEAD.pack(_MAGIC, self._sharpness, self._learnt_ms)
        body = head + self._edges.astype("<f2").tobytes()
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Reference":
        """The view of a file; what is damaged is learnt anew."""
        view = cls()
        size = _HEAD.size + 2 * _ROWS * _COLUMNS
        if len(content) != size + 4 or content[:4] != _MAGIC:
            return view
        if struct.unpack("<I", content[size:])[0] != zlib.crc32(content[:size]):
            return view
        _, view._sharpness, view._learnt_ms = _HEAD.unpack_from(content)
        body = np.frombuffer(content[_HEAD.size : size], "<f2").astype(np.float32)
        view._edges = body.reshape(_ROWS, _COLUMNS).copy()
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
