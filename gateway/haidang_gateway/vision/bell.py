"""Wakes one thread for another with a lock alone: a whole event costs several times as much."""

import contextlib
import threading


class Bell:
    """Rung by any thread, waited for by one; rung twice before a wait is rung once."""

    def __init__(self) -> None:
        """Silent."""
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        """End the wait of now, or the next one at once."""
        # Open already: it rings, and that is all that was wanted.
        with contextlib.suppress(RuntimeError):
            self._silent.release()

    def hush(self) -> None:
        """Forget that it rang."""
        self._silent.acquire(blocking=False)

    def wait(self, timeout_s: float) -> bool:
        """Wait until it rings, at most `timeout_s`; whether it did."""
        return self._silent.acquire(timeout=timeout_s)
