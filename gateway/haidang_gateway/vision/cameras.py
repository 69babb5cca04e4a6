"""All cameras of the gateway: several share one worker process, each worker has its watch."""

import asyncio
from collections.abc import Sequence

from haidang_gateway.vision.lines import CrewSettings
from haidang_gateway.vision.post import Counters, OnFact, Patience, Post, SteadyClock
from haidang_gateway.vision.supervisor import WORKER, Watch

CAMERAS_PER_WORKER = 4
_PATIENCE = Patience()
_CREW = CrewSettings(cameras=())


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
        crew: CrewSettings = _CREW,
        per_worker: int = CAMERAS_PER_WORKER,
    ) -> None:
        """Store only; `run()` starts the processes. `crew` says what each may use."""
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
