"""When waiting packs are numbered into data messages for a destination, beside the pipeline."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from haidang_gateway.clock import Clock
from haidang_gateway.errors import StoreError
from haidang_gateway.store.writes import PACKS_PER_MESSAGE, READY_PACKS

_log = logging.getLogger(__name__)

_AT_ONCE_S = 0.001


class Numbering:
    """A task of its own: no alarm waits while telemetry is numbered.

    `compose(now_ms)` numbers some and says how many packs; `waiting()` how many are left;
    `on_numbered()` is called when there are new messages.
    """

    def __init__(
        self,
        compose: Callable[[int], Awaitable[int]],
        waiting: Callable[[], Awaitable[int]],
        *,
        clock: Clock,
        batch_s: float,
        on_numbered: Callable[[], None],
    ) -> None:
        """Store the arguments; `run` works."""
        self._compose = compose
        self._waiting = waiting
        self._clock = clock
        self._batch_s = batch_s
        self._on_numbered = on_numbered
        self._is_full = False
        self._has_failed = False
        self._room = asyncio.Event()
        self._committed = 0
        self._much = asyncio.Event()

    async def run(self) -> None:
        """Every `batch_s`, at once while much waits; a store error that cannot pass ends it."""
        while True:
            pause_s = await self.step()
            news = self._room if self._is_full else self._much
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await news.wait()

    def committed(self, packs: int) -> None:
        """Tell that so many more packs wait: what fills a message is numbered at once."""
        self._committed += packs
        if self._committed >= PACKS_PER_MESSAGE:
            self._much.set()

    def confirmed(self) -> None:
        """Tell that numbered packs have arrived: what found no room is numbered at once."""
        self._room.set()

    async def step(self) -> float:
        """One round; the time to the next one in seconds."""
        self._is_full = False
        # First: what is confirmed or committed while it is looked for room is not overheard.
        self._room.clear()
        self._committed = 0
        self._much.clear()
        try:
            taken = await self._compose(self._clock.now_ms())
            if taken:
                self._on_numbered()
            is_much = taken >= READY_PACKS
            self._is_full = not is_much and await self._waiting() >= READY_PACKS
        except StoreError as error:
            if not error.retryable:
                raise
            level = logging.DEBUG if self._has_failed else logging.WARNING
            _log.log(level, "telemetry waits in the store: %s", error)
            self._has_failed = True
            return self._batch_s
        self._has_failed = False
        return _AT_ONCE_S if is_much else self._batch_s
