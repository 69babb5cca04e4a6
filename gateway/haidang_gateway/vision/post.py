"""A camera's post at its place, and how patient the gateway is with the process that looks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from haidang_gateway.model import Fact
from haidang_gateway.vision.lines import WorkerSettings

OnFact = Callable[[Fact], Awaitable[None]]


class SteadyClock(Protocol):
    """The two clocks of `clock.Clock`."""

    def now_ms(self) -> int:
        """Unix milliseconds, never stepping."""

    def monotonic_ms(self) -> int:
        """Milliseconds for durations; the machine's monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One camera at its place: `worker` without the clock offset, which is filled in at start."""

    place: str
    worker: WorkerSettings

    @property
    def source(self) -> str:
        """The name of this camera in facts."""
        return f"camera:{self.worker.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a worker may say nothing, and how soon it is started again."""

    hang_s: float = 15.0
    silence_s: float = 20.0
    backoff_first_s: float = 1.0
    backoff_cap_s: float = 60.0
    stable_s: float = 30.0
    end_s: float = 3.0


@dataclass(slots=True)
class Counters:
    """Sums of one camera since the gateway's start, for the status page."""

    starts: int = 0
    hangs: int = 0
    bad_lines: int = 0
    frames: int = 0
    dropped: int = 0
    fps: float = 0.0
    invoke_ms: float = 0.0
    age_ms: int = 0
    health: str = "silent"
    up: bool = False
    fault: str | None = None
