"""Keeps pictures of one camera: the last seconds in memory, an event's in the evidence folder."""

import logging
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec

from haidang_gateway.errors import EvidenceError
from haidang_gateway.model import Box
from haidang_gateway.vision.camera import jpeg, planes_jpeg
from haidang_gateway.vision.evidence import Event, EvidenceFolder
from haidang_gateway.vision.frame import Frame, Picture
from haidang_gateway.vision.lines import FlameLine, SmokeLine

log = logging.getLogger(__name__)

_RING_WIDTH = 480
# So small a picture (640 x 360) is kept as large as it came: a copy costs half of shrinking it.
_WHOLE_BYTES = 350_000
_PICTURE_WIDTH = 1024
_AWAKE_EVERY_MS = 500
_ASLEEP_EVERY_MS = 2_000
_CROP_MARGIN = 0.5
_LEAST_CROP = 16
_AFTER_MS = 10_000
# A fire takes camera and gateway soon: what follows is written every 2.5 s, not at the end.
_AFTER_AT_ONCE = 5
_MOST_FOLLOWED = 4


class Ring:
    """The last seconds of one camera as small pictures; the oldest goes first, bytes are bounded.

    They are not encoded: hardly one in a thousand is ever kept.
    """

    def __init__(self, *, keep_ms: int = 10_000, max_bytes: int = 7_500_000) -> None:
        """Empty."""
        self._keep_ms = keep_ms
        self._max_bytes = max_bytes
        self._pictures: deque[tuple[int, Picture]] = deque()
        self.used_bytes = 0
        self.crowded_out = 0

    def add(self, at_ms: int, planes: Picture) -> None:
        """Keep one picture (see `Frame.planes`) and forget what is too old, or too much."""
        self._pictures.append((at_ms, planes))
        self.used_bytes += planes.nbytes
        while at_ms - self._pictures[0][0] > self._keep_ms:
            self._forget()
        while self.used_bytes > self._max_bytes:
            self._forget()
            self.crowded_out += 1

    def pictures(self) -> list[tuple[int, Picture]]:
        """What is kept, oldest first."""
        return list(self._pictures)

    def _forget(self) -> None:
        self.used_bytes -= self._pictures.popleft()[1].nbytes


@dataclass(slots=True)
class _Followed:
    """An event whose seconds before and after are still being kept."""

    folder: Path
    at_ms: int
    waiting: list[tuple[int, Picture]]


class Witness:
    """Rings and files of one camera; without a folder nothing is ever kept."""

    def __init__(self, camera: str, folder: EvidenceFolder | None) -> None:
        """Start with an empty ring."""
        self._camera = camera
        self._folder = folder
        self._ring = Ring()
        self._next_ms = 0
        self._snapshots: dict[str, str] = {}
        self._followed: list[_Followed] = []
        self.failed = 0

    def see(self, frame: Frame, *, awake: bool) -> None:
        """Put a frame into the ring, now and then, and to the events that began just before."""
        if self._folder is None or frame.at_ms < self._next_ms:
            return
        self._give_up_oldest()
        self._next_ms = frame.at_ms + (_AWAKE_EVERY_MS if awake else _ASLEEP_EVERY_MS)
        planes = frame.planes(_ring_width(frame))
        self._ring.add(frame.at_ms, planes)
        for event in self._followed:
            if event.at_ms < frame.at_ms <= event.at_ms + _AFTER_MS:
                event.waiting.append((frame.at_ms, planes))
        self.mind(frame.at_ms)

    def mind(self, now_ms: int) -> None:
        """Write what the events still lack, also when no picture comes any more."""
        self._give_up_oldest()
        for event in list(self._followed):
            over = now_ms > event.at_ms + _AFTER_MS
            if over:
                self._followed.remove(event)
            if over or len(event.waiting) >= _AFTER_AT_ONCE:
                self._write(event)

    def _give_up_oldest(self) -> None:
        """Not while an event is kept: its own line goes out before another's pictures."""
        while len(self._followed) > _MOST_FOLLOWED:
            self._write(self._followed.pop(0))

    def finish(self) -> None:
        """Write what waits; nothing is followed any more."""
        for event in self._followed:
            self._write(event)
        self._followed.clear()

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
        try:
            event = self._event(kind, line, frame)
            self._snapshots[kind] = folder.keep(event)
        except EvidenceError as error:
            # The alarm itself must go out, with or without its picture.
            self._note(error)
            return
        before = self._ring.pictures()
        self._followed.append(_Followed(folder.where(event), event.at_ms, before))

    def _event(self, kind: str, line: FlameLine | SmokeLine, frame: Frame) -> Event:
        crop = None if line.box is None else cut_out(frame.rgb, line.box)
        return Event(
            camera=self._camera,
            kind=kind,
            score=line.score,
            box=line.box,
            at_ms=line.at_ms,
            picture=jpeg(frame.rgb, width=_PICTURE_WIDTH),
            crop=None if crop is None else jpeg(crop, width=_PICTURE_WIDTH, quality=3),
        )

    def _write(self, event: _Followed) -> None:
        pictures, event.waiting = event.waiting, []
        if self._folder is None or not pictures:
            return
        try:
            self._folder.follow(event.folder, event.at_ms, _encoded(pictures))
        except EvidenceError as error:
            self._note(error)

    def _note(self, error: EvidenceError) -> None:
        self.failed += 1
        log.warning("camera %s: %s", self._camera, error)


def _ring_width(frame: Frame) -> int:
    whole = frame.width * frame.height * 3 // 2 <= _WHOLE_BYTES
    return frame.width if whole else _RING_WIDTH


def _encoded(pictures: list[tuple[int, Picture]]) -> list[tuple[int, bytes]]:
    return [(at_ms, planes_jpeg(planes)) for at_ms, planes in pictures]


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
