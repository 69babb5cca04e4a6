"""Stand-ins with the real shape, for what a test must be able to steer."""


class FakeClock:
    """A clock that moves only when told; the same methods as the gateway's."""

    def __init__(self, now_ms: int = 1_764_000_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic_ms = 0

    def now_ms(self) -> int:
        """Wall time in Unix milliseconds."""
        return self._now_ms

    def monotonic_ms(self) -> int:
        """Time since the clock was made, in milliseconds."""
        return self._monotonic_ms

    def advance(self, by_ms: int) -> None:
        """Moves both clocks forward."""
        self._now_ms += by_ms
        self._monotonic_ms += by_ms
