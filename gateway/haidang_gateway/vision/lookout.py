"""One camera inside the worker: what to look at and how often, and what to tell of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from haidang_gateway.vision.evidence import EvidenceFolder, read_key
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import AliveLine, CrowdLine, FaultLine, Line, WorkerSettings
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.memory import Memory
from haidang_gateway.vision.motion import Gate
from haidang_gateway.vision.observer import Observer
from haidang_gateway.vision.source import Source
from haidang_gateway.vision.view import BLIND, Limits, Sight, View
from haidang_gateway.vision.witness import Witness

Blind = Literal["stuck", "black", "blinded"]

_BLIND: dict[Blind, tuple[str, str]] = {
    "stuck": (
        "the picture stands still, or the same pictures come again and again",
        "Switch the camera off and on again",
    ),
    "black": ("the picture is black or covered", "Clean or uncover the lens; check light"),
    "blinded": ("the picture is over-exposed", "Turn the camera away from sun and lamps"),
}
# A fire wakes a camera for so long after each suspicious picture.
_AWAKE_MS = 15_000
# Smoke that drifts slowly moves nothing: a still picture is looked at too.
_STILL_EVERY_MS = 5_000
_SAVE_EVERY_MS = 600_000
_VIEW_EVERY_MS = 1_000
# A picture a second minds what there is by itself: nobody wakes up for that in between.
_MIND_AFTER_MS, _MIND_EVERY_MS = 1_500, 500


class SteadyClock(Protocol):
    """Milliseconds for durations."""

    def monotonic_ms(self) -> int:
        """The machine's monotonic clock."""


class Lookout:
    """Looks at one camera's newest frames; `write` takes each event."""

    def __init__(
        self,
        settings: WorkerSettings,
        observer: Observer,
        clock: SteadyClock,
        write: Callable[[Line], None],
        on_fresh: Callable[[], None] | None = None,
    ) -> None:
        """Read what was learnt before; `start()` opens the camera. EvidenceError: a bad key."""
        self.settings = settings
        self._observer = observer
        self._clock = clock
        self._write = write
        masks = Masks(settings.masks)
        self.camera = Camera(
            _source(settings),
            monotonic_ms=clock.monotonic_ms,
            now_ms=self._now_ms,
            masks=masks,
            on_fresh=on_fresh,
        )
        self._memory = Memory(Path(settings.view_file) if settings.view_file else None)
        observer.take_over(self._memory.scores())
        self._sight = Sight(
            _limits(settings), self._memory.reference.view, masks, loops=not settings.loop
        )
        self._gate = Gate(Masks((*settings.masks, *settings.motion_masks)))
        self._witness = Witness(settings.id, _folder(settings))
        now_ms = clock.monotonic_ms()
        idle_fps = min(settings.fps, settings.idle_fps)
        self._thrifty = idle_fps < settings.fps
        self._awake_every_ms = int(1000 / settings.fps)
        self._asleep_every_ms = int(1000 / idle_fps)
        self._awake_until_ms = now_ms + _AWAKE_MS
        self._looked_ms = now_ms - _STILL_EVERY_MS
        self._saved_ms = now_ms
        self._view: View = "ok"
        self._view_ms = now_ms - _VIEW_EVERY_MS
        self._alive_ms = self._frame_ms = now_ms
        self.mind_ms = now_ms
        """When `mind()` is due."""
        self._fault_ms = now_ms - self._ms(settings.fault_every_s)
        self._seen = self._judged = self._judged_ms = self._oldest_ms = 0

    @property
    def period_ms(self) -> int:
        """How soon the next frame is wanted."""
        return self._awake_every_ms if self._awake else self._asleep_every_ms

    def look(self) -> None:
        """Judge the newest frame, if there is one."""
        frame = self.camera.take(0)
        if frame is None:
            return
        self._frame_ms = self._clock.monotonic_ms()
        self.mind_ms = self._frame_ms + _MIND_AFTER_MS
        self._seen += 1
        view = self._view_of(frame)
        moved = self._moved(frame)
        if self._awake or moved or self._frame_ms - self._looked_ms >= _STILL_EVERY_MS:
            self._judge(frame, blind=view in BLIND)
        awake = self._awake
        self.camera.awake, self.camera.every_ms = awake, self.period_ms
        self._witness.see(frame, awake=awake)
        now_ms = self._clock.monotonic_ms()
        age_ms = now_ms + self.settings.clock_offset_ms - frame.at_ms
        self._oldest_ms = max(self._oldest_ms, age_ms)
        if view == "stuck" or view == "black" or view == "blinded":  # noqa: PLR1714 (narrows)
            self._tell_fault(view, *_BLIND[view])
        else:
            self._tell_alive(frame.at_ms, view, now_ms)
        if now_ms - self._saved_ms >= _SAVE_EVERY_MS:
            self._save(now_ms)

    def _view_of(self, frame: Frame) -> View:
        """Views change slowly: one judgement a second is enough, and saves time in between."""
        every_ms = min(_VIEW_EVERY_MS, self.settings.dark_after_s * 250)
        if self._frame_ms - self._view_ms >= every_ms:
            self._view_ms = self._frame_ms
            self._view = self._sight.see(frame.luma, frame.at_ms)
        return self._view

    def _moved(self, frame: Frame) -> bool:
        """While awake all is judged: its mean then follows at the pace of quiet times."""
        if self._awake and self._view_ms != self._frame_ms:
            return True
        return self._gate.see(frame.luma)

    def mind(self) -> None:
        """No picture: one failed connection is no fault yet, several seconds of them are."""
        now_ms = self._clock.monotonic_ms()
        self.mind_ms = now_ms + _MIND_EVERY_MS
        self._witness.mind(self._now_ms())
        if now_ms - self._frame_ms < self._ms(self.settings.fault_every_s):
            return
        error = self.camera.error
        text = "no picture comes from the camera" if error is None else str(error)
        self._tell_fault("silent", text, "Look at the camera's power, cable and address")

    def stop(self) -> None:
        """Close the camera and write what is still to be kept."""
        self.camera.stop()
        self._witness.finish()

    @property
    def _awake(self) -> bool:
        return not self._thrifty or self._frame_ms < self._awake_until_ms

    def _judge(self, frame: Frame, *, blind: bool) -> None:
        """Also a `blind` view is looked at, since it may be a quiet night or a fire before the
        lens; but what shows nothing ends no fire, and nobody is counted in it.
        """
        self._looked_ms = self._frame_ms
        if self._observer.active and (blind or self._sight.shows_nothing(frame.luma)):
            return
        lines = self._observer.see(frame, count=not blind)
        done_ms = self._clock.monotonic_ms()
        self._judged += 1
        self._judged_ms += done_ms - self._frame_ms
        if self._observer.suspects or self._observer.active:
            self._awake_until_ms = done_ms + _AWAKE_MS
        for line in lines:
            if not isinstance(line, CrowdLine | AliveLine | FaultLine):
                line = self._witness.sign(line, frame)  # noqa: PLW2901
            self._write(line)

    def _tell_alive(self, at_ms: int, view: View, now_ms: int) -> None:
        """A heartbeat rests on a frame just seen, never on the process being alive."""
        past_ms = now_ms - self._alive_ms
        if past_ms < self._ms(self.settings.alive_every_s):
            return
        counters = self.camera.counters
        invoke_ms = self._judged_ms / self._judged if self._judged else 0.0
        line = AliveLine(
            frames=counters.taken,
            dropped=counters.dropped,
            fps=round(self._seen * 1000 / past_ms, 1),
            at_ms=at_ms,
            health="turned" if view == "turned" else "blurred" if view == "blurred" else "ok",
            invoke_ms=round(invoke_ms, 1),
            age_ms=max(0, self._oldest_ms),
        )
        self._alive_ms, self._seen = now_ms, 0
        self._judged = self._judged_ms = self._oldest_ms = 0
        self._write(line)

    def _tell_fault(self, health: Literal["silent"] | Blind, error: str, hint: str) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._fault_ms >= self._ms(self.settings.fault_every_s):
            self._fault_ms = now_ms
            self._write(FaultLine(error=error, hint=hint, health=health, at_ms=self._now_ms()))

    def _save(self, now_ms: int) -> None:
        self._saved_ms = now_ms
        if not self._memory.save(self._observer.usual()):
            self._sight.reference = self._memory.reference.view
            self._observer.take_over({})

    def _now_ms(self) -> int:
        return self._clock.monotonic_ms() + self.settings.clock_offset_ms

    @staticmethod
    def _ms(seconds: float) -> int:
        return int(seconds * 1000)


def _source(settings: WorkerSettings) -> Source:
    return Source(
        address=settings.source,
        loop=settings.loop,
        open_timeout_s=settings.open_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        snapshot_every_s=1 / settings.idle_fps,
    )


def _limits(settings: WorkerSettings) -> Limits:
    return Limits(
        dark_after_ms=int(settings.dark_after_s * 1000),
        frozen_after_ms=int(settings.frozen_after_s * 1000),
        turned_after_ms=int(settings.turned_after_s * 1000),
    )


def _folder(settings: WorkerSettings) -> EvidenceFolder | None:
    if settings.evidence_dir is None:
        return None
    key = read_key(Path(settings.evidence_key)) if settings.evidence_key else None
    return EvidenceFolder(Path(settings.evidence_dir), key)
