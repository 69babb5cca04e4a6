"""The ledger's memory of one node is bounded, whatever the node makes up."""

import functools
import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from haidang_gateway.ingest.boot import Boot
from haidang_gateway.ingest.ledger import Ledger
from hypothesis import given, settings
from hypothesis import strategies as st
from node_packs import EPOCH, NODE

_KEY = (NODE, EPOCH, 7)
_OTHER = "n-240ac4000002"
# What a status can name.
_TOLD_BOOTS = 64


class _World:
    """A ledger and what its commits have stored."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, int], str] = {}
        self.counts: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        docs = {key: json.loads(text) for key, text in self.stored.items()}
        self.ledger = Ledger(docs, 0, lambda _ms: "2026-11-22")

    def commit(self) -> None:
        docs, counts = self.ledger.take()
        for key, doc in docs.items():
            if doc is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = json.dumps(doc)
        for (_, _, what), count in counts.items():
            self.counts[what] = self.counts.get(what, 0) + count

    def bytes_of(self, node: str) -> int:
        return sum(len(text) for key, text in self.stored.items() if key[0] == node)


def _status(boots: list[dict[str, Any]], epoch: str = EPOCH) -> dict[str, Any]:
    filled = [{"held": [], "dropped": []} | boot for boot in boots]
    return {"he": epoch, "hb": boots[-1]["hb"], "up_ms": 0, "boots": filled}


def test_a_node_that_invents_epochs_and_boots_fills_neither_memory_nor_store() -> None:
    world = _World()
    world.ledger.accept((_OTHER, EPOCH, 1), 0, 0)
    for number in range(3000):
        world.ledger.accept((NODE, f"{number:08x}", number), 0, 0)
        world.ledger.set_aside((NODE, f"{number:08x}", number + 1), 5, 0)
        if number % 7 == 0:
            world.commit()
    for start in range(0, 3000, _TOLD_BOOTS):
        boots = [{"hb": start + step, "next": 1} for step in range(_TOLD_BOOTS)]
        world.ledger.note_status(NODE, _status(boots, "ffffffff"), 0)
    world.commit()
    kept = {key for key in world.stored if key[0] == NODE}
    assert _TOLD_BOOTS <= len(kept) <= 200
    assert (_OTHER, EPOCH, 1) in world.stored, "another node's are not touched"
    assert {key[2] for key in kept} >= {b["hb"] for b in boots}, "the newest status is kept whole"
    world.restart()
    assert len(world.ledger.boots_of(NODE, "ffffffff")) <= len(kept)


def test_scattered_numbers_fill_neither_memory_nor_store_and_are_not_called_lost() -> None:
    world = _World()
    for seq in range(0, 60_000, 4):
        world.ledger.accept(_KEY, seq, 0)
        world.ledger.set_aside(_KEY, seq + 2, 0)
        if seq % 400 == 0:
            world.commit()
    world.commit()
    assert world.bytes_of(NODE) < 400_000
    world.ledger.note_status(NODE, _status([{"hb": 7, "next": 60_000}]), 10)
    world.commit()
    assert 0 < world.counts["lost"] <= 30_000, "no more than are missing"
    lost = world.counts["lost"]
    drops = [[seq, seq, "full"] for seq in range(1, 400, 2)]
    for _ in range(3):
        told = [{"hb": 7, "next": 60_000, "dropped": drops}]
        world.ledger.note_status(NODE, _status(told), 10)
        world.commit()
    assert world.counts["lost"] <= lost
    assert world.counts.get("dropped:full", 0) <= 200, "what is forgotten is not booked each time"


def test_what_is_forgotten_ends_where_a_range_ends_and_what_comes_behind_is_answered_for() -> None:
    boot = Boot(received=[[0, 1], [3, 3], [5, 8], [12, 12]], lost=[[2, 2], [9, 9]])
    boot.forget_half()
    assert boot.floor == 9, "6 ranges: the fourth from below ends with 8"
    assert (boot.received, boot.lost) == ([[12, 12]], [[9, 9]])


def test_the_newest_numbers_are_never_forgotten() -> None:
    world = _World()
    for seq in range(0, 40_000, 2):
        world.ledger.accept(_KEY, seq, 0)
    world.commit()
    assert world.ledger.has(_KEY, 39_998)
    assert world.ledger.accept(_KEY, 39_998, 0) == "duplicate"


def _steps(work: Callable[[], None]) -> int:
    """How many lines of Python `work` goes through."""
    steps = 0

    def on_event(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return on_event

    before = sys.gettrace()
    sys.settrace(on_event)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize("boots", [1, 64])
def test_a_status_full_of_drops_costs_hardly_more_than_one_with_a_single_drop(boots: int) -> None:
    steps = []
    for count in (1, 180):
        world = _World()
        for seq in range(0, 4000, 2):
            world.ledger.accept(_KEY, seq, 0)
        world.ledger.note_status(NODE, _status([{"hb": 7, "next": 4000}]), 10)
        drops = [[2 * n + 1, 2 * n + 1, "full"] for n in range(count)]
        # What names a boot more often than once is no node of ours.
        told = _status([{"hb": 7, "next": 4000, "dropped": drops}] * min(count, boots))
        steps.append(_steps(functools.partial(world.ledger.note_status, NODE, told, 10)))
        world.commit()
        assert world.counts["dropped:full"] == count
        assert world.counts["lost"] == 2000 - count
    assert steps[1] < 2 * steps[0]


def test_invented_causes_are_counted_as_one() -> None:
    world = _World()
    for number in range(300):
        drops = [[number, number, f"x{number}\n"]]
        told = [{"hb": 7, "next": 300, "dropped": drops}]
        world.ledger.note_status(NODE, _status(told), 10)
    world.commit()
    causes = {what: count for what, count in world.counts.items() if what.startswith("dropped:")}
    assert len(causes) <= 20
    assert sum(causes.values()) == 300
    assert all(what.isprintable() for what in causes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=300))
def test_in_doubt_a_pack_is_accepted_never_refused(seqs: list[tuple[int, bool]]) -> None:
    world = _World()
    seen = set()
    for seq, restart in seqs:
        verdict = world.ledger.accept((NODE, f"{seq % 200:08x}", 1), seq, 0)
        assert verdict == "new" or seq in seen
        seen.add(seq)
        world.commit()
        if restart:
            world.restart()


@given(st.lists(st.tuples(st.sampled_from([NODE, _OTHER]), st.integers(0, 6)), max_size=60))
def test_the_boots_that_a_node_spoke_of_last_are_the_ones_that_are_kept(
    spoken: list[tuple[str, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("haidang_gateway.ingest.ledger._MOST_BOOTS", 3)
        ledger = Ledger({}, 0, lambda _ms: "2026-11-22")
        kept: dict[str, list[int]] = {NODE: [], _OTHER: []}
        for node, number in spoken:
            ledger.accept((node, EPOCH, number), number, 0)
            kept[node] = [*(n for n in kept[node] if n != number), number][-3:]
            assert all(
                sorted(ledger.boots_of(name, EPOCH)) == sorted(of) for name, of in kept.items()
            )


def test_a_boot_that_its_node_spoke_of_last_and_then_left_out_is_known_anew() -> None:
    world = _World()
    world.ledger.accept((NODE, EPOCH, 1), 0, 0)
    world.ledger.note_status(NODE, {"he": EPOCH, "hb": 50, "up_ms": 0, "boots": []}, 0)
    assert world.ledger.boots_of(NODE, EPOCH) == {}
    assert world.ledger.accept((NODE, EPOCH, 1), 0, 0) == "new"


def test_what_is_counted_within_one_minute_and_over_midnight_stands_under_its_day() -> None:
    midnight_ms = 86_400_000
    ledger = Ledger({}, 0, lambda at_ms: f"day {at_ms // midnight_ms}")
    for at_ms in (midnight_ms - 60_001, midnight_ms - 60_000, midnight_ms - 1, midnight_ms):
        ledger.count(NODE, "received", at_ms)
    ledger.count(NODE, "lost", midnight_ms, 2)
    ledger.count(NODE, "lost", midnight_ms + 60_000, -2)
    _, counts = ledger.take()
    assert counts == {(NODE, "day 0", "received"): 3, (NODE, "day 1", "received"): 1}
