"""The loop of a worker: several cameras, one processor, the oldest deadline first."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from haidang_gateway.errors import CameraError
from haidang_gateway.vision.bell import Bell
from haidang_gateway.vision.lines import Line, WorkerSettings
from haidang_gateway.vision.lookout import Lookout, SteadyClock
from haidang_gateway.vision.observer import Networks, Observer
from haidang_gateway.vision.turns import Turns

log = logging.getLogger(__name__)

_MEMORY_EVERY_MS = 5_000
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096


class Crew:
    """Looks through all cameras of one worker until stopped, or until all files have ended."""

    def __init__(
        self,
        cameras: Sequence[WorkerSettings],
        networks: Networks,
        clock: SteadyClock,
        write: Callable[[Line], None],
        *,
        memory_mb: int = 0,
    ) -> None:
        """Make the lookouts; `run()` opens the cameras. `memory_mb` 0 sets no limit."""
        self._clock = clock
        self._memory_mb = memory_mb
        self._memory_ms = clock.monotonic_ms()
        self._stop = threading.Event()
        self._fresh = Bell()
        self.lookouts = {
            settings.id: Lookout(
                settings,
                Observer(networks, settings),
                clock,
                _named(settings.id, write),
                self._wake,
            )
            for settings in cameras
        }

    def stop(self) -> None:
        """End `run()` after the current frame; callable from another thread."""
        self._stop.set()
        self._fresh.ring()

    def run(self) -> None:
        """Look until stopped; CameraError where the memory outgrows its limit."""
        turns = Turns(list(self.lookouts), self._clock.monotonic_ms())
        for lookout in self.lookouts.values():
            lookout.camera.start()
        try:
            while not self._stop.is_set():
                self._fresh.hush()
                ready = [name for name, x in self.lookouts.items() if x.camera.waiting]
                if not ready and self._all_ended():
                    return
                self._turn(turns, ready)
                if self._clock.monotonic_ms() >= self._mind_ms():
                    self._mind()
                self._check_memory()
        finally:
            for lookout in self.lookouts.values():
                lookout.stop()

    def _turn(self, turns: Turns, ready: list[str]) -> None:
        name = turns.pick(ready, self._clock.monotonic_ms())
        if name is not None:
            lookout = self.lookouts[name]
            lookout.look()
            turns.done(name, lookout.period_ms, self._clock.monotonic_ms())
            return
        now_ms = self._clock.monotonic_ms()
        wait_ms, mind_ms = turns.wait_ms(ready, now_ms), max(0, self._mind_ms() - now_ms)
        # Fresh pictures of others, or an order to stop, end the wait.
        self._fresh.wait((mind_ms if wait_ms is None else min(mind_ms, wait_ms)) / 1000)

    def _mind_ms(self) -> int:
        return min(lookout.mind_ms for lookout in self.lookouts.values())

    def _mind(self) -> None:
        for lookout in self.lookouts.values():
            lookout.mind()

    def _wake(self) -> None:
        self._fresh.ring()

    def _all_ended(self) -> bool:
        return all(x.camera.state == "ended" for x in self.lookouts.values())

    def _check_memory(self) -> None:
        now_ms = self._clock.monotonic_ms()
        if not self._memory_mb or now_ms - self._memory_ms < _MEMORY_EVERY_MS:
            return
        self._memory_ms = now_ms
        used_mb = rss_mb()
        if used_mb > self._memory_mb:
            raise CameraError(
                f"the worker uses {used_mb:.0f} MB of at most {self._memory_mb} and starts anew"
            )


def rss_mb() -> float:
    """This process's resident memory in MB; 0 where /proc does not tell."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES / 1e6
    except OSError:
        return 0.0


def _named(camera: str, write: Callable[[Line], None]) -> Callable[[Line], None]:
    return lambda line: write(msgspec.structs.replace(line, camera=camera))
