"""Feeds the watchdog only while every loop of the node turns."""

import asyncio

from micropython import const

from haidang_node import log

_PERIOD_MS = const(1500)
_LOG = log.Log("watch")


class Supervisor:
    """Knows each loop's last turn."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self._limits_ms: dict[str, int] = {}
        self._turned_ms: dict[str, int] = {}

    def expect(self, name: str, limit_ms: int) -> None:
        """A loop that must turn at least every limit_ms."""
        self._limits_ms[name] = limit_ms
        self._turned_ms[name] = self._clock.uptime_ms()

    def turned(self, name: str) -> None:
        """Called by a loop in each of its turns."""
        self._turned_ms[name] = self._clock.uptime_ms()

    def hanging(self) -> str | None:
        """The name of a loop that has not turned in time."""
        now_ms = self._clock.uptime_ms()
        for name, limit_ms in self._limits_ms.items():
            if now_ms - self._turned_ms[name] > limit_ms:
                return name
        return None

    async def run(self, tasks: list, feed) -> None:
        """Returns when a task has ended, which none should; feeds while no loop hangs."""
        while not any([task.done() for task in tasks]):
            name = self.hanging()
            if name is None:
                feed()
            else:
                _LOG.error("loop %s hangs: the watchdog is no longer fed", name)
            await asyncio.sleep_ms(_PERIOD_MS)
