"""All cameras of the gateway: several share one worker process, each worker has its watch."""

import asyncio
from collections.abc import Callable, Sequence

from haidang_gateway.settings import VisionSettings
from haidang_gateway.vision.lines import CrewSettings
from haidang_gateway.vision.post import Counters, OnFact, Patience, Post, SteadyClock
from haidang_gateway.vision.supervisor import WORKER, Watch

_PATIENCE = Patience()
_VISION = VisionSettings()
_FIGURES: dict[str, Callable[[Counters], float]] = {
    "up": lambda c: c.up,
    "frames_total": lambda c: c.frames,
    "dropped_total": lambda c: c.dropped,
    "frames_per_second": lambda c: c.fps,
    "inference_seconds": lambda c: c.invoke_ms / 1000,
    "frame_age_seconds": lambda c: c.age_ms / 1000,
    "worker_starts_total": lambda c: c.starts,
    "worker_hangs_total": lambda c: c.hangs,
}


class Cameras:
    """Runs all cameras' workers; `on_fact` gets what they see, and their silence."""

    def __init__(
        self,
        posts: Sequence[Post],
        *,
        clock: SteadyClock,
        on_fact: OnFact,
        command: Sequence[str] = WORKER,
        patience: Patience = _PATIENCE,
        vision: VisionSettings = _VISION,
    ) -> None:
        """Store only; `run()` starts the processes. `vision` says what each may use."""
        per_worker = vision.cameras_per_worker
        crew = CrewSettings(
            cameras=(),
            memory_mb=vision.memory_mb,
            fire=vision.fire,
            threads=vision.threads,
            edge_tpu=vision.edge_tpu,
        )
        self._watches = [
            Watch(
                posts[first : first + per_worker],
                crew=crew,
                clock=clock,
                on_fact=on_fact,
                command=command,
                patience=patience,
            )
            for first in range(0, len(posts), per_worker)
        ]

    async def run(self) -> None:
        """Run until cancelled; every worker has ended when this returns."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run(), name=f"worker {watch.name}")
                group.create_task(watch.mind_silence(), name=f"silence {watch.name}")

    def counters(self) -> dict[str, Counters]:
        """Counters by fact source ("camera:<id>")."""
        return {
            source: counters
            for watch in self._watches
            for source, counters in watch.counters.items()
        }

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Figures of each camera for Prometheus."""
        counters = self.counters()
        return [
            (f"haidang_camera_{name}", {"camera": source.partition(":")[2]}, value)
            for name, value_of in _FIGURES.items()
            for source, each in counters.items()
            for value in (value_of(each),)
        ]
