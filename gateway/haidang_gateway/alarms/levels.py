"""Ranks with memory: a value becomes a rank, and a rank must hold before it is believed."""

from collections.abc import Sequence
from typing import Any

# Contract section 2: older evidence opens an alarm only if the state still holds.
STALE_MS = 600_000
# A backlog arrives in one burst; its later packs are heard before a window is judged.
SETTLE_MS = 5_000

Track = dict[str, Any]


def is_stale(at_ms: int, now_ms: int) -> bool:
    """True for evidence too old to open or raise an alarm by itself."""
    return now_ms - at_ms > STALE_MS


def is_overtaken(at_ms: int, last_ms: int | None, now_ms: int) -> bool:
    """True where the same source has said something newer already.

    A last word from the future is ignored: the gateway lost its wall clock and started again.
    """
    return last_ms is not None and at_ms < last_ms <= now_ms


def window_end_ms(at_ms: int, window_ms: int, now_ms: int) -> int:
    """End of a window that opened at `at_ms`, never before a backlog could be heard out."""
    return max(at_ms + window_ms, now_ms + SETTLE_MS) if at_ms < now_ms else at_ms + window_ms


def rank_of(value: float, steps: Sequence[tuple[float, float]], was: int) -> int:
    """Rank 0..n of `value`; `steps` are (threshold, hysteresis) in rising order.

    A step that was reached (`was` >= its rank) is left only below threshold - hysteresis.
    """
    rank = 0
    for index, (threshold, hysteresis) in enumerate(steps):
        margin = hysteresis if index < was else 0
        if value >= threshold - margin:
            rank = index + 1
    return rank


def new_track(ranks: int, at_ms: int) -> Track:
    """A track at rank 0 for ranks 1..`ranks`; a JSON-able dict."""
    return {"rank": 0, "marks": [[False, at_ms] for _ in range(ranks)]}


def mark(track: Track, rank: int, at_ms: int) -> Track:
    """The track after the momentary rank was seen at `at_ms`; unchanged marks keep their time."""
    marks = [
        held if held[0] == (rank > index) else [rank > index, at_ms]
        for index, held in enumerate(track["marks"])
    ]
    return {**track, "marks": marks}


def rebase(track: Track, at_ms: int) -> Track:
    """The track after a gap without readings: whatever is still pending must hold anew."""
    return {**track, "marks": [[above, at_ms] for above, _ in track["marks"]]}


def momentary_rank(track: Track) -> int:
    """Highest rank that the newest reading reached."""
    return max((index + 1 for index, held in enumerate(track["marks"]) if held[0]), default=0)


def is_idle(track: Track) -> bool:
    """True where the rank is 0 and nothing is on its way up."""
    return bool(track["rank"] == 0 and momentary_rank(track) == 0)


def settle(track: Track, at_ms: int, rise_ms: int, fall_ms: int) -> Track:
    """The track with the rank believed at `at_ms`: up after `rise_ms`, down after `fall_ms`.

    This is the damping of every alarm: a rank that toggles faster than `fall_ms` never falls.
    """
    rank = track["rank"]
    for index, (above, since_ms) in enumerate(track["marks"]):
        if index >= rank and above and at_ms - since_ms >= rise_ms:
            rank = index + 1
    if rank == track["rank"]:
        while rank and _has_fallen(track["marks"][rank - 1], at_ms, fall_ms):
            rank -= 1
    return {**track, "rank": rank}


def next_change_ms(track: Track, rise_ms: int, fall_ms: int) -> int | None:
    """When `settle` would change the rank if nothing new is heard; None if never."""
    rank = track["rank"]
    times = [
        since_ms + rise_ms
        for index, (above, since_ms) in enumerate(track["marks"])
        if index >= rank and above
    ]
    if rank and not track["marks"][rank - 1][0]:
        times.append(track["marks"][rank - 1][1] + fall_ms)
    return min(times, default=None)


def _has_fallen(held: list[Any], at_ms: int, fall_ms: int) -> bool:
    above, since_ms = held
    return not above and at_ms - since_ms >= fall_ms
