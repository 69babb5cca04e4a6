"""Keeps the newest picture of one source in a thread of its own and reconnects for ever."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from haidang_gateway.errors import CameraError
from haidang_gateway.redial import CAMERA, Redial
from haidang_gateway.vision import picamera
from haidang_gateway.vision.camera import (
    Decoder,
    Develop,
    Encoded,
    Raw,
    opened,
    raw,
)
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lull import Arrivals, Lull, Schedule
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.source import Source
from haidang_gateway.vision.thrift import Pile, Thrift

log = logging.getLogger(__name__)

State = Literal["opening", "open", "away", "ended"]

_NO_MASKS = Masks()


@dataclass(slots=True)
class Counters:
    """Sums since the start; `skipped` packets were never decoded: nobody looked at them."""

    decoded: int = 0
    taken: int = 0
    skipped: int = 0
    broken: int = 0
    reconnects: int = 0

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before anybody took them."""
        return self.decoded - self.taken


class Camera:
    """Keeps the newest frame of a source; frames that nobody took are dropped and counted.

    `monotonic_ms` gives the steady time that paces files, `now_ms` the time stamped on frames.
    `on_fresh` is called in the camera's thread for each new picture. `awake` asks for all
    pictures, `every_ms` says how often somebody looks: what comes in between is decoded together
    with the picture that is looked at, which spares a core of waking up for each.
    """

    def __init__(
        self,
        source: Source,
        *,
        monotonic_ms: Callable[[], int],
        now_ms: Callable[[], int],
        masks: Masks = _NO_MASKS,
        on_fresh: Callable[[], None] | None = None,
    ) -> None:
        """Store only; `start()` opens."""
        self._source = source
        self._live, self._patient = source.live, source.patient
        self._monotonic_ms = monotonic_ms
        self._now_ms = now_ms
        self._on_fresh = on_fresh
        # Taken by each picture: a plain lock costs a fifth of what a condition does.
        self._lock = threading.Lock()
        self._fresh = threading.Condition(self._lock)
        self._newest: tuple[Raw, int, int] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._develop = Develop(masks)
        self._thrift = Thrift()
        self.counters = Counters()
        self.state: State = "opening"
        self.error: CameraError | None = None
        self.awake = True
        self.every_ms = 0

    @property
    def waiting(self) -> bool:
        """Whether a frame lies there that nobody took."""
        return self._newest is not None

    def start(self) -> None:
        """Start the decoding thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits at most one read time-out."""
        self._stop.set()
        with self._fresh:
            self._fresh.notify_all()
        self._thread.join(self._source.read_timeout_s + 1)

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not taken yet; None after `timeout_s` or at the end."""
        with self._lock:
            if timeout_s > 0:
                self._fresh.wait_for(self._something_new, timeout_s)
            newest, self._newest = self._newest, None
        if newest is None:
            return None
        self.counters.taken += 1
        picture, at_ms, number = newest
        return self._develop(picture, number=number, at_ms=at_ms)

    def _something_new(self) -> bool:
        return self._newest is not None or self.state == "ended" or self._stop.is_set()

    def _run(self) -> None:
        redial = Redial(CAMERA)
        while not self._stop.is_set():
            before, started_ms = self.counters.decoded, self._monotonic_ms()
            try:
                self._play_once()
            except CameraError as error:
                self._note_failure(error)
            except Exception as error:
                log.exception("camera %s: unexpected error", self._source.shown)
                self._note_failure(CameraError(f"{self._source.shown}: {type(error).__name__}"))
            if self.state == "ended":
                return
            if self.counters.decoded > before:
                redial.up(started_ms)
            if self.state == "away":
                self._stop.wait(redial.pause_s(self._monotonic_ms(), self.error))
                self.counters.reconnects += 1
            elif self._source.snapshot:
                self._stop.wait(self._source.snapshot_every_s)

    def _note_failure(self, error: CameraError) -> None:
        level = logging.DEBUG if self.state == "away" else logging.WARNING
        log.log(level, "%s; trying again", error)
        self.state, self.error = "away", error

    def _play_once(self) -> None:
        """One connection, or one pass over a file, until its end or a CameraError."""
        before = self.counters.decoded
        if (module := self._source.module) is not None:
            self._play_module(module)
        else:
            self._play_stream()
        if self._stop.is_set():
            return
        if self._live and not self._source.snapshot:
            raise CameraError(f"camera {self._source.shown}: the stream ended")
        if self.counters.decoded == before:
            raise CameraError(f"camera {self._source.shown} holds no pictures; take another file")
        if not self._source.loop and not self._live:
            self._end()

    def _play_stream(self) -> None:
        with opened(self._source) as container:
            decoder = Decoder(container, self._source)
            start_ms = self._monotonic_ms()
            pile: Pile[Encoded] = Pile(start_ms)
            arrivals, schedule, lull = Arrivals(), Schedule(start_ms), Lull()
            for packet in decoder.packets():
                if self._stop.is_set():
                    return
                came_ms, how = self._came_ms(decoder.stamp_ms(packet), schedule, arrivals), "all"
                # The last, empty packet fetches what the decoder still holds.
                if packet.size:
                    how = self._thrift.judge(packet.is_keyframe, came_ms, awake=self.awake)
                offered = self._take_in(decoder, pile, packet, how, came_ms)
                lull.note(came_ms, packet.size, is_key=packet.is_keyframe)
                pause_ms = 0
                if self._patient and self.every_ms and (arrivals.trusted or not self._live):
                    pause_ms = self._pause_ms(lull, pile if how == "all" else None)
                # Last of all: whoever wakes up earlier waits for this thread's interpreter.
                if offered:
                    self._tell()
                if pause_ms > 0:
                    # A plain sleep costs half of what an event does; `stop()` waits longer.
                    time.sleep(pause_ms / 1000)

    def _take_in(
        self, decoder: Decoder, pile: Pile[Encoded], packet: Encoded, how: str, came_ms: int
    ) -> bool:
        """Do with a packet what was judged; whether a new picture is offered."""
        if how != "all":
            # Nothing builds on them any more: the next picture begins with a key frame.
            self.counters.skipped += len(pile.take()) + (how == "no")
            return how == "alone" and self._decode(decoder, [packet], alone=True)
        if packet.size and decoder.begins_anew(packet):
            self.counters.skipped += pile.begin_anew(came_ms, self.every_ms)
        if pile.add(packet, came_ms, self.every_ms) or not packet.size:
            return self._decode(decoder, pile.take())
        return False

    def _came_ms(self, at_ms: float | None, schedule: Schedule, arrivals: Arrivals) -> int:
        """When the packet stamped `at_ms` came; a file's are waited for until they are due."""
        if self._live:
            return arrivals.came_ms(at_ms, self._monotonic_ms())
        due_ms = schedule.due_ms(at_ms)
        if (early_ms := due_ms - self._monotonic_ms()) > 0:
            self._stop.wait(early_ms / 1000)
        return due_ms

    def _pause_ms(self, lull: Lull, pile: Pile[Encoded] | None) -> int:
        """How long to let packets gather that nobody looks at before the next that one does."""
        now_ms = self._monotonic_ms()
        if pile is not None:
            return lull.pause_ms(now_ms, pile.wanted_ms(self.every_ms))
        return lull.pause_ms(now_ms, self._thrift.next_ms(), asleep=True)

    def _decode(self, decoder: Decoder, packets: list[Encoded], *, alone: bool = False) -> bool:
        """Decode in order and offer the last picture; whether there was one."""
        broken, newest = decoder.broken, None
        for packet in packets:
            for picture in decoder.pictures(packet, alone=alone):
                self.counters.decoded += 1
                newest = picture
        self.counters.broken += max(0, decoder.broken - broken)
        if newest is not None:
            self._offer(newest)
        return newest is not None

    def _play_module(self, module: int) -> None:
        for picture in picamera.pictures(module):
            if self._stop.is_set():
                return
            self.counters.decoded += 1
            self._offer(raw(picture))
            self._tell()

    def _end(self) -> None:
        with self._fresh:
            self.state = "ended"
            self._fresh.notify_all()
        self._tell()

    def _offer(self, picture: Raw) -> None:
        if self.state == "away":
            log.info("camera %s: pictures again", self._source.shown)
        with self._lock:
            self._newest = (picture, self._now_ms(), self.counters.decoded)
            self.state, self.error = "open", None
            self._fresh.notify_all()

    def _tell(self) -> None:
        if self._on_fresh:
            self._on_fresh()
