"""The pauses between dials, noted instead of waited for."""

import pytest
from haidang_gateway.redial import Redial


def noted_pauses(patch: pytest.MonkeyPatch) -> list[float]:
    """What lines decide on from now on; each pause lasts no time."""
    decided: list[float] = []
    decide = Redial.pause_s

    def note(line: Redial, now_ms: int, error: Exception | None = None) -> float:
        decided.append(decide(line, now_ms, error))
        return 0.0

    patch.setattr(Redial, "pause_s", note)
    return decided
