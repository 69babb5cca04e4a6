"""How long commits take, for the figures."""

import contextlib
import time
from collections.abc import Iterator


class CommitTimes:
    """Count, sum and longest of what was timed since the start."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.count = 0
        self.sum_s = 0.0
        self.longest_s = 0.0

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Time what is done inside; what fails counts as well."""
        began_s = time.monotonic()
        try:
            yield
        finally:
            took_s = time.monotonic() - began_s
            self.count += 1
            self.sum_s += took_s
            self.longest_s = max(self.longest_s, took_s)
