"""Waiting for what another process does, with a deadline."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], what: str, deadline_s: float = 10.0) -> None:
    """Wait for a condition; AssertionError names what never came."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, f"waited {deadline_s:.0f} s for {what}"
        time.sleep(0.01)
