"""Starts the loops, starts a crashed one again, feeds the watchdog only while all of them turn."""

import asyncio
import gc

from micropython import const

from haidang_node import log
from haidang_node.errors import NodeError

_PERIOD_MS = const(1500)
# A loop may crash this often within an hour; then the node starts anew.
_CRASHES = const(3)
_TICKS_MASK = const((1 << 30) - 1)
_FORGIVEN_MS = const(3600000)
_LOG = log.Log("watch")


class Supervisor:
    """Owns the loops' tasks and knows each loop's last turn."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self._limits_ms: dict[str, int] = {}
        self._turned_ms: dict[str, int] = {}
        self._makers: dict = {}
        self._tasks: dict = {}
        self._crashes_ms: list[int] = []
        self._told = None
        self.calm_since_ms = 0

    def expect(self, name: str, limit_ms: int, make) -> None:
        """A loop, a coroutine from make(), that must turn at least every limit_ms."""
        self._limits_ms[name] = limit_ms
        self._makers[name] = make
        self.turned(name)

    def turned(self, name: str) -> None:
        """Called by a loop in each of its turns."""
        self._turned_ms[name] = self._clock.ticks_ms()

    def hanging(self) -> str | None:
        """The name of a loop that has not turned in time."""
        now_ms = self._clock.ticks_ms()
        for name, limit_ms in self._limits_ms.items():
            if (now_ms - self._turned_ms[name]) & _TICKS_MASK > limit_ms:
                return name
        return None

    async def run(self, feed, step) -> str:
        """Runs all loops until the node must restart; why.

        step(), called every 1.5 s, gives such a reason too, or None. Feeds while no loop hangs.
        """
        try:
            while True:
                why = await self._revive() or step()
                if why:
                    return why
                self._watch(feed)
                await asyncio.sleep_ms(_PERIOD_MS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _watch(self, feed) -> None:
        name = self.hanging()
        if name is None:
            feed()
            if self._told:
                log.ring("note", "")
        else:
            # Told before the watchdog bites, which leaves no time for words.
            self.calm_since_ms = self._clock.uptime_ms()
            if name != self._told:
                log.ring("note", "loop %s hung" % name)
                _LOG.error("loop %s hangs: the watchdog is no longer fed", name)
        self._told = name

    async def _revive(self) -> str | None:
        for name, make in self._makers.items():
            task = self._tasks.get(name)
            if task and not task.done():
                continue
            error = await _ending(task) if task else None
            if isinstance(error, NodeError):
                # A loop's own word that only a restart helps.
                return "%s: %s" % (name, error)
            if task and self._too_often(name, error):
                return "loop %s crashed" % name
            self.turned(name)
            gc.collect()
            self._tasks[name] = asyncio.create_task(make())
        return None

    def _too_often(self, name: str, error) -> bool:
        # The traceback is on the console: asyncio printed it.
        now_ms = self._clock.uptime_ms()
        self.calm_since_ms = now_ms
        recent = [at_ms for at_ms in self._crashes_ms if now_ms - at_ms < _FORGIVEN_MS]
        self._crashes_ms = recent
        recent.append(now_ms)
        _LOG.error("loop %s crashed (%d of %d): %s", name, len(recent), _CRASHES, repr(error))
        return len(recent) >= _CRASHES


async def _ending(task):
    try:
        await task
    except Exception as error:  # noqa: BLE001 - whatever ended a loop is told
        return error
    return "it ended"
