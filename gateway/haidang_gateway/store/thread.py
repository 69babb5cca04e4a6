"""One thread for all that touches the database; what alarms wait for goes first."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")
_Job = tuple[Callable[[], Any], Future[Any]]


class StoreThread:
    """Runs one job after the other; jobs of `call_first` overtake those of `call` that wait.

    Unbounded, because every caller awaits its own job: as many wait as there are tasks.
    """

    def __init__(self, name: str) -> None:
        """Keep the name; the thread starts with the first job."""
        self._name = name
        self._thread: threading.Thread | None = None
        self._news = threading.Condition()
        self._first: deque[_Job] = deque()
        self._then: deque[_Job] = deque()
        self._closed = False

    async def call_first(self, work: Callable[[], _T]) -> _T:
        """What `work` returns or raises; it waits for the job under way alone."""
        return await self._queued(self._first, work)

    async def call(self, work: Callable[[], _T]) -> _T:
        """What `work` returns or raises."""
        return await self._queued(self._then, work)

    def shutdown(self) -> None:
        """Do what waits, then end the thread; blocks for as long."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()

    async def _queued(self, queue: deque[_Job], work: Callable[[], _T]) -> _T:
        future: Future[_T] = Future()
        with self._news:
            if self._closed:
                raise RuntimeError("the store's thread has ended")
            queue.append((work, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name)
                self._thread.start()
            self._news.notify()
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            work, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 (it is the caller's)
                future.set_exception(error)
            else:
                future.set_result(result)
            # Neither a result nor an error is kept alive while the thread waits.
            del job, work, future

    def _next(self) -> _Job | None:
        with self._news:
            while not (self._first or self._then):
                if self._closed:
                    return None
                self._news.wait()
            return self._first.popleft() if self._first else self._then.popleft()
