"""Notices that the wall clock was set, ends the gateway for it and tells the next start."""

import asyncio
import functools
import logging
from typing import NoReturn

from haidang_gateway.clock import Clock
from haidang_gateway.errors import ClockStepped, StoreError
from haidang_gateway.store import clock_step
from haidang_gateway.store.store import Store

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
# Far above what NTP slews between two looks, far below what an operator would notice.
_STEP_MS = 2000
# A node that is late by less is believed; no alarm looks too old for it.
_NOTED_MS = 60_000


async def watch_clock(clock: Clock, store: Store) -> NoReturn:
    """Raise ClockStepped as soon as the wall clock was set.

    Rules, nodes and store live on steady time, so that is followed by a fresh start: states and
    timers come back from the store, unacknowledged packs from the nodes.
    """
    while True:
        stepped_ms = clock.stepped_ms()
        if abs(stepped_ms) >= _STEP_MS:
            break
        await asyncio.sleep(_LOOK_S)
    if abs(stepped_ms) > _NOTED_MS:
        await _note(store, clock.now_ms() + stepped_ms, stepped_ms)
    raise ClockStepped(f"the clock was set by {stepped_ms / 1000:.0f} s, start anew")


async def _note(store: Store, at_ms: int, step_ms: int) -> None:
    try:
        await store.care(functools.partial(clock_step.note, at_ms=at_ms, step_ms=step_ms))
    except StoreError as error:
        _log.warning("the next start does not know how far the clock was set: %s", error)
