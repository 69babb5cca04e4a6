"""The one thread of a rig: waits for files and for calls from other threads."""

import contextlib
import os
import queue
import selectors
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from haidang_board.errors import BoardError
from haidang_board.rig_pace import IDLE_S

_CALL_S = 30.0
_LOOK_S = 0.5

Handler = Callable[[], None]


class Loop:
    """`turn(now_s)` does what is due and returns when the next thing is (steady seconds).

    Registered files carry a `Handler` as the selector's data.
    """

    def __init__(self, name: str, turn: Callable[[float], float]) -> None:
        self._turn = turn
        self._calls: queue.SimpleQueue[Handler | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self.selector = selectors.DefaultSelector()
        self._wake_read_fd, self._wake_fd = os.pipe()
        os.set_blocking(self._wake_fd, False)
        self.watch(self._wake_read_fd, self._woken)
        self._thread.start()

    def stop(self) -> None:
        """End after the calls already posted."""
        self._calls.put(None)
        self._wake()
        self._thread.join(_CALL_S)
        self.selector.close()
        os.close(self._wake_read_fd)
        os.close(self._wake_fd)

    @property
    def running(self) -> bool:
        """Between `start` and `stop`."""
        return self._thread.is_alive()

    def watch(self, fd: int, handler: Handler) -> None:
        """Call `handler` whenever the file can be read; loop thread only, or before `start`."""
        self.selector.register(fd, selectors.EVENT_READ, handler)

    def unwatch(self, fd: int) -> None:
        """Undo `watch`."""
        self.selector.unregister(fd)

    def post(self, action: Handler) -> None:
        """Run the action soon in the loop's thread; from any thread."""
        self._calls.put(action)
        self._wake()

    def call(self, action: Handler) -> None:
        """Run the action in the loop's thread and wait for it; its exception comes back."""
        done: Future[None] = Future()

        def carry_out() -> None:
            try:
                action()
            except Exception as error:  # noqa: BLE001  handed to the caller
                done.set_exception(error)
            else:
                done.set_result(None)

        self.post(carry_out)
        deadline_s = time.monotonic() + _CALL_S
        while not wait([done], timeout=_LOOK_S).done:
            if not self.running or time.monotonic() > deadline_s:
                raise BoardError("the rig's thread does not answer; its traceback says why")
        done.result()

    def _run(self) -> None:
        while True:
            now_s = time.monotonic()
            timeout_s = max(0.0, min(IDLE_S, self._turn(now_s) - now_s))
            for key, _ in self.selector.select(timeout_s):
                if self.selector.get_map().get(key.fd) is key:  # not closed by an earlier handler
                    handler: Handler = key.data
                    handler()
            if not self._carry_out_calls():
                return

    def _carry_out_calls(self) -> bool:
        while not self._calls.empty():
            action = self._calls.get()
            if action is None:
                return False
            action()
        return True

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_fd, b"w")

    def _woken(self) -> None:
        os.read(self._wake_read_fd, 4096)
