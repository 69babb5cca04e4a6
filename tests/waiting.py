"""Waiting for what other processes and tasks do, with a deadline and a reason."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Only what never comes is missed: a busy machine is ten times slower than an idle one.
DEADLINE_S = 120.0
_LOOK_EVERY_S = 0.02


def wait_until(look: Callable[[], T], what: str, timeout_s: float = DEADLINE_S) -> T:
    """The first true value of `look`; AssertionError that names `what` after `timeout_s`."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := look()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(_LOOK_EVERY_S)
    return value


async def until(look: Callable[[], object], what: str, timeout_s: float = DEADLINE_S) -> None:
    """The same while the event loop runs on."""
    deadline_s = time.monotonic() + timeout_s
    while not look():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        await asyncio.sleep(_LOOK_EVERY_S / 2)
