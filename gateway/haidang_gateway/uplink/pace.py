"""How much may be under way on a line, from when what was sent is answered; pure."""

import math
from dataclasses import dataclass

# Until the first answer nothing is known of a line: at 32 kbit/s this takes 1 s.
FIRST_BYTES = 4 * 1024
# No line is asked for less: packets smaller than this are mostly heads.
LEAST_BYTES = 1024
# What lies in a socket cannot be overtaken; a line that could carry more loses little.
MOST_BYTES = 64 * 1024
# More only where it passes in so short a time: behind long messages fewer answers are waited for.
FAST_BYTES = 128 * 1024
_FAST_S = 0.05
# An alarm waits for the rest of the message that is being sent: this part of what is under way.
_BUNDLES = 5
# Messages that are numbered stay as they are, also when the line becomes a tenth as fast: no more
# than it takes in so long, and not so few that it waits for the next to be numbered.
_AHEAD_S = 1.0
_AHEAD = 32
# What is under way beyond the line's own length waits somewhere, and an alarm behind it. On a long
# line it is more: from how much that raises the rate, it is seen whether the line has more.
_QUEUE_S = 0.2
_QUEUE_SHARE = 1 / 3
# What was seen is believed for one to two of these.
_BELIEVED_MS = 15_000
# A line is let run dry so often to see its length: full, it looks longer the fuller it is.
_DRY_EVERY_MS = 60_000
_REST_MS = 1_000
_LENGTH_MS = 2 * _DRY_EVERY_MS
# An answer that takes so many times what was reckoned with shows that the line has changed.
_LATE = 2


def window_bytes(rate_bytes_per_s: float, length_s: float, answered: int = FAST_BYTES) -> int:
    """What may be under way: what fills the line, 0.2 s or a third of its length more, one bundle.

    `length_s`: how long a short message that is alone on the line takes until it is answered;
    `answered`: bytes since the line was empty; what is sent into an empty line waits before it.
    """
    queue_s = max(_QUEUE_S, length_s * _QUEUE_SHARE)
    # Where the next bundle does not fit in any more, the line must still be full.
    roomy = rate_bytes_per_s * _BUNDLES / (_BUNDLES - 1)
    wanted = min(roomy * (length_s + queue_s), roomy * queue_s + answered)
    most = min(FAST_BYTES, max(MOST_BYTES, rate_bytes_per_s * _FAST_S))
    return round(min(most, max(LEAST_BYTES, wanted)))


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the next data messages are like: bytes of packs in each, and how many may wait."""

    bytes: int
    ahead: int


def bundle_of(window: int, shrinks: float, waiting: int, rate_bytes_per_s: float) -> Bundle:
    """For a line that may hold `window` bytes, where `waiting` messages were sent already.

    `shrinks`: how many times longer packs are than what is sent of them.
    """
    size = min(MOST_BYTES, round(window / _BUNDLES * shrinks))
    ahead = math.ceil(rate_bytes_per_s * _AHEAD_S * shrinks / size)
    return Bundle(size, waiting + max(_AHEAD, ahead))


@dataclass(slots=True)
class _Sent:
    at_ms: int
    size: int
    is_alone: bool
    # As it stood when this one was sent.
    answered_bytes: int
    answered_ms: int
    # When that which was answered last had been sent.
    answered_sent_ms: int


class Pace:
    """Of one connection: the highest rate of the last 15 to 30 s, and the line's length."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._sent: dict[int, _Sent] = {}
        self._answered_bytes = 0
        self._answered_ms = 0
        self._answered_sent_ms = 0
        self._rates = (0.0, 0.0)
        self._rates_ms = 0
        self._length_ms: int | None = None
        self._length_at_ms = 0
        self._length_of_bytes = 0
        self._alone_ms = 0
        self._dry_bytes = 0

    def sent(self, key: int, size: int, now_ms: int) -> None:
        """A message of `size` bytes is handed to the line; `key` names it until its answer."""
        is_alone = not self._sent
        if is_alone:
            if self._is_dry(now_ms):
                self._dry_bytes = self._answered_bytes
            self._answered_ms = self._answered_sent_ms = self._alone_ms = now_ms
        self._sent[key] = _Sent(
            now_ms,
            size,
            is_alone,
            self._answered_bytes,
            self._answered_ms,
            self._answered_sent_ms,
        )

    def answered(self, key: int, now_ms: int) -> None:
        """The far end has taken it."""
        one = self._sent.pop(key, None)
        if one is None:
            return
        self._answered_bytes += one.size
        self._answered_ms, self._answered_sent_ms = now_ms, one.at_ms
        took_ms = max(1, now_ms - one.at_ms)
        if one.is_alone:
            self._note_length(took_ms, one.size, now_ms)
        # Answers that come in a bunch make no fast line: it took no less time to send all that.
        span_ms = max(1, now_ms - one.answered_ms, one.at_ms - one.answered_sent_ms)
        rate = (self._answered_bytes - one.answered_bytes) / span_ms * 1000
        self._age(now_ms)
        if took_ms > _LATE * self._expected_ms():
            self._rates, self._rates_ms = (0.0, rate), now_ms
        else:
            self._rates = (self._rates[0], max(self._rates[1], rate))

    def refused(self, key: int) -> None:
        """It was answered otherwise, which tells nothing of the line."""
        self._sent.pop(key, None)

    def window(self, now_ms: int) -> int:
        """How many bytes may be under way; 0: none beside what is."""
        if self._sent and self._is_to_run_dry(now_ms):
            return 0
        begun_at = self._answered_bytes if self._is_dry(now_ms) else self._dry_bytes
        return self._window(now_ms, self._answered_bytes - begun_at)

    def size(self, now_ms: int) -> int:
        """The same for a line that is full."""
        return self._window(now_ms, FAST_BYTES)

    def rate(self, now_ms: int) -> float:
        """Bytes a second; 0 where nothing is known."""
        self._age(now_ms)
        return max(self._rates)

    def _window(self, now_ms: int, answered: int) -> int:
        rate = self.rate(now_ms)
        if not rate or self._length_ms is None:
            return FIRST_BYTES
        return window_bytes(rate, self._length_s(rate), answered)

    def _is_to_run_dry(self, now_ms: int) -> bool:
        return now_ms - self._alone_ms > _DRY_EVERY_MS

    def _is_thick(self, rate: float) -> bool:
        """Whether the message that was alone took half of its time for its own bytes."""
        return (self._length_ms or 0) / 1000 * rate < 2 * self._length_of_bytes

    def _is_dry(self, now_ms: int) -> bool:
        """Whether the line has run dry or rested, so that all that is sent now queues up."""
        has_rested = now_ms - self._answered_ms > _REST_MS
        return not self._sent and (has_rested or self._is_to_run_dry(now_ms))

    def _length_s(self, rate: float) -> float:
        """Without the time that the message itself took, where the rate is known from others."""
        took_s = (self._length_ms or 0) / 1000
        return took_s if self._is_thick(rate) else took_s - self._length_of_bytes / rate

    def _note_length(self, took_ms: int, size: int, now_ms: int) -> None:
        is_old = now_ms - self._length_at_ms > _LENGTH_MS
        if self._length_ms is None or took_ms <= self._length_ms or is_old:
            self._length_ms, self._length_at_ms = took_ms, now_ms
            self._length_of_bytes = size

    def _expected_ms(self) -> float:
        length_ms = self._length_ms or 0
        rate = max(self._rates)
        return length_ms + max(_QUEUE_S, LEAST_BYTES / rate if rate else 0.0) * 1000

    def _age(self, now_ms: int) -> None:
        passed = now_ms - self._rates_ms
        if passed < _BELIEVED_MS:
            return
        self._rates = (self._rates[1] if passed < 2 * _BELIEVED_MS else 0.0, 0.0)
        self._rates_ms = now_ms
