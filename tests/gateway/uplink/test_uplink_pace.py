"""How much may be under way on a line: what it can send in a part of a second, never nothing."""

import heapq
from dataclasses import dataclass, field

import pytest
from haidang_gateway.uplink.pace import (
    FAST_BYTES,
    FIRST_BYTES,
    LEAST_BYTES,
    MOST_BYTES,
    Pace,
    bundle_of,
    window_bytes,
)
from hypothesis import given, settings
from hypothesis import strategies as st

_RATES = st.floats(0, 1e9)
_LENGTHS = st.floats(0.001, 5)


@given(_RATES, _LENGTHS)
def test_a_line_is_full_although_a_bundle_is_missing_and_little_waits_before_it(
    rate: float, length_s: float
) -> None:
    size = window_bytes(rate, length_s)
    most = max(MOST_BYTES, min(FAST_BYTES, rate * 0.05 + 1))
    assert LEAST_BYTES <= size <= most, "beyond 64 KiB no more than passes in 50 ms"
    if LEAST_BYTES < size < MOST_BYTES:
        assert size - bundle_of(size, 1, 0, rate).bytes >= rate * length_s - 1
        assert (size - 1) / rate <= 1.25 * (length_s + max(0.2, length_s / 3))


@given(_RATES, _RATES, _LENGTHS, _LENGTHS)
def test_a_faster_or_longer_line_never_holds_less(
    rate: float, other: float, length_s: float, longer_s: float
) -> None:
    rate, other = sorted((rate, other))
    length_s, longer_s = sorted((length_s, longer_s))
    assert window_bytes(rate, length_s) <= window_bytes(other, length_s)
    assert window_bytes(rate, length_s) <= window_bytes(rate, longer_s)


@given(st.integers(LEAST_BYTES, FAST_BYTES), st.floats(1, 30), st.integers(0, 64), _RATES)
def test_a_message_is_a_part_of_what_may_be_under_way_and_few_are_ahead_of_the_line(
    window: int, shrinks: float, waiting: int, rate: float
) -> None:
    bundle = bundle_of(window, shrinks, waiting, rate)
    assert bundle.bytes <= min(MOST_BYTES, window / 5 * shrinks + 1)
    ahead = bundle.ahead - waiting
    assert ahead >= 32
    assert ahead == 32 or (ahead - 1) * bundle.bytes / shrinks < rate * 1.01 + 1, "of one second"
    assert ahead * bundle.bytes / shrinks >= rate * 0.99 - 1, "and all of it"


@dataclass
class Line:
    """A line of a certain rate and length with a buffer without end; a saturating sender."""

    rate: float
    length_ms: int
    size: int = 600
    now_ms: int = 0
    free_ms: float = 0.0
    pace: Pace = field(default_factory=Pace)
    answers: list[tuple[float, int, int]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    answered: int = 0
    worst_wait_ms: float = 0.0
    # Answers are held back for so long now and then, and come all at once.
    stall_ms: int = 0
    key: int = 0

    def fill(self) -> None:
        """Send as the forwarder does."""
        limit = self.pace.window(self.now_ms)
        size = min(self.size, bundle_of(self.pace.size(self.now_ms), 1, 0, 0).bytes)
        while not self.under_way or self.under_way + size <= limit:
            self.key += 1
            self.pace.sent(self.key, size, self.now_ms)
            self.free_ms = max(self.free_ms, self.now_ms) + size / self.rate * 1000
            heapq.heappush(self.answers, (self.free_ms + self.length_ms, self.key, size))
            self.under_way += size
            self.most = max(self.most, self.under_way)
            self.worst_wait_ms = max(self.worst_wait_ms, self.free_ms - self.now_ms)

    def run(self, for_ms: int) -> float:
        """Drain for so long; the share of the line that was used."""
        end_ms, before, began_ms = self.now_ms + for_ms, self.answered, self.now_ms
        self.worst_wait_ms = 0.0
        self.most = 0
        self.fill()
        while self.answers and self.answers[0][0] <= end_ms:
            at_ms, key, size = heapq.heappop(self.answers)
            if self.stall_ms and at_ms % 5_000 < self.stall_ms:
                at_ms += self.stall_ms - at_ms % 5_000
            self.now_ms = max(self.now_ms, round(at_ms))
            self.under_way -= size
            self.answered += size
            self.pace.answered(key, self.now_ms)
            self.fill()
        return (self.answered - before) / self.rate / (self.now_ms - began_ms) * 1000


@pytest.mark.parametrize("rate", [1_200, 4_000, 8_000, 32_000, 100_000])
@pytest.mark.parametrize("length_ms", [5, 60, 600, 1500])
def test_a_slow_line_is_used_and_an_alarm_waits_for_little_of_it(
    rate: int, length_ms: int
) -> None:
    line = Line(rate, length_ms, size=4_000)
    line.run(30_000)
    used = line.run(300_000)
    assert used > 0.85 or line.most > MOST_BYTES - 4_000, "or as much as ever is under way"
    assert line.worst_wait_ms < 350 + length_ms * 0.75 + LEAST_BYTES / rate * 1000


def test_answers_that_come_in_bunches_make_no_fast_line() -> None:
    line = Line(32_000, 600, size=8_000, stall_ms=400)
    line.run(30_000)
    assert line.run(120_000) > 0.85
    assert line.worst_wait_ms < 800


def test_a_fast_line_may_hold_as_much_as_ever_after_a_few_answers() -> None:
    line = Line(20_000_000, 2, size=15_000)
    line.run(50)
    assert line.pace.size(line.now_ms) == FAST_BYTES
    assert line.run(1000) > 0.9


def test_a_line_that_is_not_so_fast_holds_no_more_for_being_long() -> None:
    line = Line(1_000_000, 300, size=15_000)
    line.run(5_000)
    assert line.pace.size(line.now_ms) == MOST_BYTES


@pytest.mark.parametrize(("rate", "then"), [(150_000, 4_000), (4_000, 150_000)])
def test_a_line_that_changes_is_followed_within_seconds(rate: int, then: int) -> None:
    line = Line(rate, 300, size=4_000)
    line.run(20_000)
    line.rate = then
    # What was under way has to pass first: 64 KiB take 16 s at 32 kbit/s.
    line.run(18_000)
    assert line.run(12_000) > 0.85
    assert line.worst_wait_ms < 900 + LEAST_BYTES / then * 1000


@pytest.mark.parametrize("rate", [8_000, 125_000, 1_000_000])
def test_the_rate_of_a_line_is_known_in_bytes_a_second(rate: int) -> None:
    line = Line(rate, 20, size=4_000)
    assert line.pace.rate(0) == 0
    line.run(20_000)
    assert 0.8 * rate < line.pace.rate(line.now_ms) < 1.3 * rate


def test_what_goes_into_a_line_that_has_rested_does_not_queue_up() -> None:
    line = Line(32_000, 600, size=4_000)
    line.run(20_000)
    line.now_ms = round(line.answers[-1][0]) + 60_000
    while line.answers:
        at_ms, key, _ = heapq.heappop(line.answers)
        line.pace.answered(key, round(at_ms))
    line.under_way = 0
    line.now_ms = round(line.free_ms) + 5_000
    line.run(3_000)
    assert line.worst_wait_ms < 700


def test_a_long_message_that_was_alone_does_not_make_the_line_long_for_long() -> None:
    line = Line(4_000, 100)
    # Numbered when the line was fast.
    line.pace.sent(0, 15_000, 0)
    line.now_ms = 15_000 * 1000 // 4_000 + 100
    line.pace.answered(0, line.now_ms)
    line.run(25_000)
    line.run(20_000)
    assert line.worst_wait_ms < 900


def test_a_line_that_becomes_longer_is_seen_to_be_longer() -> None:
    line = Line(8_000, 30, size=4_000)
    line.run(20_000)
    line.length_ms = 1_000
    line.run(130_000)
    assert line.run(60_000) > 0.9


def test_readings_that_trickle_teach_nothing_that_a_backlog_has_to_unlearn_for_long() -> None:
    line = Line(8_000, 600, size=2_000)
    for _ in range(60):
        line.key += 1
        line.pace.sent(line.key, 300, line.now_ms)
        line.pace.answered(line.key, line.now_ms + 640)
        line.now_ms += 5_000
    line.run(6_000)
    assert line.run(30_000) > 0.9


def test_what_was_seen_of_a_line_that_has_rested_is_forgotten() -> None:
    line = Line(100_000, 60)
    line.run(10_000)
    assert line.pace.size(line.now_ms) > FIRST_BYTES
    assert line.pace.size(line.now_ms + 31_000) == FIRST_BYTES


def test_a_refusal_says_nothing_of_the_line() -> None:
    pace = Pace()
    pace.sent(1, MOST_BYTES, 0)
    pace.refused(1)
    pace.answered(1, 1)
    assert pace.size(1) == FIRST_BYTES


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 80_000), st.integers(0, 40_000))))
@settings(max_examples=60, deadline=None)
def test_whatever_is_answered_whenever_something_may_be_under_way(
    history: list[tuple[int, int, int]],
) -> None:
    pace, now_ms = Pace(), 0
    for key, size, later_ms in history:
        now_ms += later_ms
        (pace.answered(key, now_ms) if size % 2 else pace.sent(key, size, now_ms))
        passes_in_50_ms = min(FAST_BYTES, pace.rate(now_ms) * 0.05 + 1)
        assert LEAST_BYTES <= pace.size(now_ms) <= max(MOST_BYTES, passes_in_50_ms)
