"""The pauses between dials, noted instead of waited for."""

from collections.abc import Callable

import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.redial import Redial


def noted_pauses(patch: pytest.MonkeyPatch, lasting_s: float = 0.0) -> list[float]:
    """What lines decide on from now on; each pause lasts `lasting_s`."""
    decided: list[float] = []
    decide = Redial.pause_s

    def note(line: Redial, now_ms: int, error: Exception | None = None) -> float:
        decided.append(decide(line, now_ms, error))
        return lasting_s

    patch.setattr(Redial, "pause_s", note)
    return decided


def pause_of_one_that_stood_s(line: Redial, come_up: Callable[[], object]) -> float:
    """Its pause when it was away for minutes, came up now, and is lost ten seconds later."""
    now_ms = Clock().monotonic_ms()
    line.pause_s(now_ms - 400_000)
    come_up()
    return line.pause_s(now_ms + 10_000)
