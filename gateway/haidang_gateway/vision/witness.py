"""Keeps pictures of one camera: the last seconds in memory, an event's in the evidence folder."""

import logging

import msgspec

from haidang_gateway.errors import EvidenceError
from haidang_gateway.model import Box
from haidang_gateway.vision.camera import Frame, Picture, jpeg
from haidang_gateway.vision.evidence import Event, EvidenceFolder, Ring
from haidang_gateway.vision.lines import FlameLine, SmokeLine

log = logging.getLogger(__name__)

_RING_WIDTH = 480
_PICTURE_WIDTH = 1024
_AWAKE_EVERY_MS = 500
_ASLEEP_EVERY_MS = 2_000
_CROP_MARGIN = 0.5
_LEAST_CROP = 16


class Witness:
    """Rings and files of one camera; without a folder nothing is ever kept."""

    def __init__(self, camera: str, folder: EvidenceFolder | None) -> None:
        """Start with an empty ring."""
        self._camera = camera
        self._folder = folder
        self._ring = Ring()
        self._next_ms = 0
        self._snapshots: dict[str, str] = {}
        self.failed = 0

    def see(self, frame: Frame, *, awake: bool) -> None:
        """Put a frame into the ring, now and then."""
        if self._folder is None or frame.at_ms < self._next_ms:
            return
        self._next_ms = frame.at_ms + (_AWAKE_EVERY_MS if awake else _ASLEEP_EVERY_MS)
        self._ring.add(frame.at_ms, jpeg(frame.rgb, width=_RING_WIDTH))

    def sign(self, line: FlameLine | SmokeLine, frame: Frame) -> FlameLine | SmokeLine:
        """The line with its snapshot: written when the vote begins, named until it ends."""
        kind = "fire" if isinstance(line, FlameLine) else "smoke"
        if not line.active:
            self._snapshots.pop(kind, None)
            return line
        if self._folder is None:
            return line
        if kind not in self._snapshots:
            self._keep(self._folder, kind, line, frame)
        return msgspec.structs.replace(line, snapshot=self._snapshots.get(kind))

    def _keep(
        self, folder: EvidenceFolder, kind: str, line: FlameLine | SmokeLine, frame: Frame
    ) -> None:
        crop = None if line.box is None else cut_out(frame.rgb, line.box)
        event = Event(
            camera=self._camera,
            kind=kind,
            score=line.score,
            box=line.box,
            at_ms=line.at_ms,
            picture=jpeg(frame.rgb, width=_PICTURE_WIDTH),
            crop=None if crop is None else jpeg(crop, width=_PICTURE_WIDTH, quality=3),
            ring=self._ring.frames(),
        )
        try:
            self._snapshots[kind] = folder.keep(event)
        except EvidenceError as error:
            # The alarm itself must go out, with or without its picture.
            self.failed += 1
            log.warning("camera %s: %s", self._camera, error)


def cut_out(rgb: Picture, box: Box) -> Picture | None:
    """The box (centre x, y, width, height in 0..1) with half its size around it; None if tiny."""
    high, wide = rgb.shape[:2]
    x, y, w, h = box
    reach_x, reach_y = w * (0.5 + _CROP_MARGIN), h * (0.5 + _CROP_MARGIN)
    left, right = max(0, int((x - reach_x) * wide)), min(wide, int((x + reach_x) * wide) + 1)
    top, bottom = max(0, int((y - reach_y) * high)), min(high, int((y + reach_y) * high) + 1)
    if right - left < _LEAST_CROP or bottom - top < _LEAST_CROP:
        return None
    return rgb[top:bottom, left:right]
