"""The camera worker, a process of its own: `python -m haidang_gateway.vision.worker`.

Native code that crashes or hangs takes this process alone; the gateway starts it anew. Settings
come as the first line of standard input, events leave as JSON lines (see `lines.py`).
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from haidang_gateway.clock import Clock
from haidang_gateway.errors import GatewayError
from haidang_gateway.vision import lines
from haidang_gateway.vision.camera import Frame, Source
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.lines import AliveLine, FaultLine, Line, WorkerSettings
from haidang_gateway.vision.motion import Liveness
from haidang_gateway.vision.networks import load_networks
from haidang_gateway.vision.observer import Observer

log = logging.getLogger(__name__)

Health = Literal["silent", "stuck"]

_BLIND: dict[str, tuple[Health, str, str]] = {
    "dark": (
        "silent",
        "the picture is black or covered",
        "Clean or uncover the lens; check light",
    ),
    "frozen": (
        "stuck",
        "the picture has not changed at all",
        "Switch the camera off and on again",
    ),
}
_TAKE_S = 0.5
_NICE = 2
_GRACE_S = 3.0


class Worker:
    """The loop over one camera's newest frames; `write` takes each event."""

    def __init__(
        self,
        settings: WorkerSettings,
        observer: Observer,
        clock: Clock,
        write: Callable[[Line], None],
    ) -> None:
        """Store only; `run()` opens the camera."""
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._write = write
        self._stop = threading.Event()
        self._camera = Camera(
            _source(settings), monotonic_ms=clock.monotonic_ms, now_ms=self._now_ms
        )
        self._liveness = Liveness(
            dark_after_ms=int(settings.dark_after_s * 1000),
            frozen_after_ms=int(settings.frozen_after_s * 1000),
        )
        self._seen = 0
        self._alive_ms = self._frame_ms = clock.monotonic_ms()
        self._fault_every_ms = int(settings.fault_every_s * 1000)
        self._fault_ms = self._alive_ms - self._fault_every_ms

    def stop(self) -> None:
        """End `run()` after the current frame; callable from another thread."""
        self._stop.set()

    def run(self) -> None:
        """Look until stopped, or until a file that is not looped has ended."""
        self._camera.start()
        period_s = 1.0 / self._settings.fps
        try:
            while not self._stop.is_set() and self._camera.state != "ended":
                frame = self._camera.take(_TAKE_S)
                if frame is None:
                    self._tell_missing()
                    continue
                started_ms = self._clock.monotonic_ms()
                self._look(frame)
                used_s = (self._clock.monotonic_ms() - started_ms) / 1000
                self._stop.wait(max(0.0, period_s - used_s))
        finally:
            self._camera.stop()

    def _look(self, frame: Frame) -> None:
        self._frame_ms = self._clock.monotonic_ms()
        self._seen += 1
        view = self._liveness.see(frame.luma, frame.at_ms)
        if view != "ok":
            self._tell_fault(*_BLIND[view])
            return
        for line in self._observer.see(frame):
            self._write(line)
        self._tell_alive(frame.at_ms)

    def _tell_alive(self, at_ms: int) -> None:
        """A heartbeat rests on a frame just seen, never on the process being alive."""
        now_ms = self._clock.monotonic_ms()
        past_ms = now_ms - self._alive_ms
        if past_ms < self._settings.alive_every_s * 1000:
            return
        counters = self._camera.counters
        fps = round(self._seen * 1000 / past_ms, 1)
        self._alive_ms, self._seen = now_ms, 0
        self._write(
            AliveLine(frames=counters.taken, dropped=counters.dropped, fps=fps, at_ms=at_ms)
        )

    def _tell_missing(self) -> None:
        """No picture: one failed connection is no fault yet, several seconds of them are."""
        if self._clock.monotonic_ms() - self._frame_ms < self._fault_every_ms:
            return
        error = self._camera.error
        text = "no picture comes from the camera" if error is None else str(error)
        self._tell_fault("silent", text, "Look at the camera's power, cable and address")

    def _tell_fault(self, health: Health, error: str, hint: str) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._fault_ms >= self._fault_every_ms:
            self._fault_ms = now_ms
            self._write(FaultLine(error=error, hint=hint, health=health, at_ms=self._now_ms()))

    def _now_ms(self) -> int:
        return self._clock.monotonic_ms() + self._settings.clock_offset_ms


def main(stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Read settings, look until standard input closes; the exit status is for the log."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Ctrl-C in a terminal reaches the whole group; the gateway alone decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    clock = Clock()

    def write(line: Line) -> None:
        stdout.write(lines.encode(line))
        stdout.flush()

    try:
        settings = lines.decode_settings(stdin.readline())
        networks = load_networks(Path(settings.models_dir))
        worker = Worker(settings, Observer(networks, settings), clock, write)
        threading.Thread(target=_watch_parent, args=(stdin, worker), daemon=True).start()
        worker.run()
    except BrokenPipeError:
        return 0
    except GatewayError as error:
        hint = "Repair the configuration or the model files"
        write(FaultLine(error=str(error), hint=hint, at_ms=clock.now_ms()))
        return 3
    return 0


def _watch_parent(stdin: BinaryIO, worker: Worker) -> None:
    """End with the gateway, even when a native call of ours never returns."""
    # Not through the buffer: its lock, held here, would abort the interpreter's own end.
    while os.read(stdin.fileno(), 4096):
        pass
    worker.stop()
    threading.Event().wait(_GRACE_S)
    os._exit(1)


def _source(settings: WorkerSettings) -> Source:
    return Source(
        address=settings.source,
        loop=settings.loop,
        open_timeout_s=settings.open_timeout_s,
        read_timeout_s=settings.read_timeout_s,
    )


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
