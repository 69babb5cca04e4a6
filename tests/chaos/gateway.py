"""The production gateway with a wall clock that a test may set, or with the fault of the control.

HAIDANG_CHAOS_CLOCK: a file with the milliseconds by which the wall clock is off.
HAIDANG_CHAOS_EARLY: acknowledge before the commit, as a careless gateway would.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from haidang_gateway.__main__ import main
from haidang_gateway.batch import Batch
from haidang_gateway.pipeline import Pipeline
from haidang_gateway.work import Work

_EARLY_S = 0.5
_TRUE_NS = time.time_ns


def _shifted_ns() -> int:
    try:
        off_ms = int(Path(os.environ["HAIDANG_CHAOS_CLOCK"]).read_text())
    except (OSError, ValueError):
        off_ms = 0
    return _TRUE_NS() + off_ms * 1_000_000


def _forgetful() -> None:
    settle = Pipeline._settle

    async def early(self: Pipeline, work: Work, batch: Batch) -> None:
        self._answer(work)
        await asyncio.sleep(_EARLY_S)
        work.acks.clear()
        work.arrivals.clear()
        await settle(self, work, batch)

    Pipeline._settle = early  # type: ignore[method-assign]


if __name__ == "__main__":
    if "HAIDANG_CHAOS_CLOCK" in os.environ:
        time.time_ns = _shifted_ns
    if "HAIDANG_CHAOS_EARLY" in os.environ:
        _forgetful()
    sys.exit(main())
