"""The loss ledger: duplicates, late ones, losses with and without a cause."""

import json

from haidang_gateway.ingest.ledger import Ledger
from hypothesis import given, settings
from hypothesis import strategies as st
from node_packs import EPOCH, NODE

_KEY = (NODE, EPOCH, 7)
_CREATED_MS = 1_000_000


def _ledger(docs: dict[tuple[str, str, int], dict[str, object]] | None = None) -> Ledger:
    return Ledger(docs or {}, _CREATED_MS, lambda _ms: "2026-11-22")


def _status(up_ms: int = 1000, **boot: object) -> dict[str, object]:
    entry = {"hb": 7, "held": [], "dropped": []} | boot
    return {"he": EPOCH, "hb": 7, "up_ms": up_ms, "boots": [entry]}


def _counts(ledger: Ledger) -> dict[str, int]:
    return {what: count for (_, _, what), count in ledger.take()[1].items()}


def test_a_pack_below_next_that_nobody_has_is_lost_and_late_when_it_comes() -> None:
    ledger = _ledger()
    for seq in (0, 1, 2, 5):
        assert ledger.accept(_KEY, seq, 0) == "new"
    ledger.note_status(NODE, _status(next=7, held=[[6, 6]]), _CREATED_MS + 5000)
    assert _counts(ledger) == {"received": 4, "lost": 2}
    ledger.note_status(NODE, _status(next=7, held=[[6, 6]]), _CREATED_MS + 6000)
    assert _counts(ledger) == {}, "a loss is booked once"
    assert ledger.accept(_KEY, 4, 0) == "late"
    assert _counts(ledger) == {"received": 1, "late": 1, "lost": -1}


def test_dropped_packs_carry_their_cause_even_when_they_were_booked_as_lost() -> None:
    ledger = _ledger()
    ledger.accept(_KEY, 1, 0)
    ledger.note_status(NODE, _status(next=11), _CREATED_MS + 5000)
    assert _counts(ledger) == {"received": 1, "lost": 10}
    ledger.note_status(NODE, _status(next=11, dropped=[[3, 8, "full"]]), _CREATED_MS + 6000)
    assert _counts(ledger) == {"lost": -6, "dropped:full": 6}


def test_what_an_earlier_database_has_acknowledged_is_not_called_lost() -> None:
    ledger = _ledger()
    status = _status(up_ms=10_000_000, next=5000, held=[[4990, 4999]])
    ledger.note_status(NODE, status, _CREATED_MS + 5000)
    assert _counts(ledger) == {}
    ledger.note_status(NODE, status | {"boots": [{**status["boots"][0], "next": 5003}]}, 2)  # type: ignore[index]
    assert _counts(ledger) == {"lost": 3}, "from the first word on the database answers"


def test_boots_long_past_are_forgotten() -> None:
    ledger = _ledger()
    for boot in range(1, 30):
        ledger.accept((NODE, EPOCH, boot), 1, 0)
    ledger.take()
    ledger.note_status(NODE, _status(next=2, hb=29) | {"hb": 29}, _CREATED_MS + 5000)
    docs, _ = ledger.take()
    assert {key[2] for key, doc in docs.items() if doc is None} == set(range(1, 13))


def test_a_number_no_node_can_reach_costs_no_time_and_no_memory() -> None:
    ledger = _ledger()
    ledger.note_status(NODE, _status(next=0xFFFFFFFF), _CREATED_MS + 5000)
    docs, counts = ledger.take()
    assert sum(counts.values()) == 0xFFFFFFFF
    assert len(json.dumps(docs[_KEY])) < 300


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=80), st.integers(0, 80))
def test_verdicts_equal_those_of_a_set_also_over_a_restart(seqs: list[int], cut: int) -> None:
    ledger, seen = _ledger(), set()
    for at, seq in enumerate(seqs):
        if at == cut:
            docs = {k: json.loads(json.dumps(d)) for k, d in ledger.take()[0].items()}
            ledger = _ledger(docs)
        assert ledger.accept(_KEY, seq, 0) == ("duplicate" if seq in seen else "new")
        seen.add(seq)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 29)), st.sets(st.integers(0, 29)), st.sets(st.integers(0, 29)))
def test_every_number_below_next_is_accounted_for_exactly_once(
    received: set[int], held: set[int], dropped: set[int]
) -> None:
    ledger = _ledger()
    for seq in received:
        ledger.accept(_KEY, seq, 0)
    ledger.take()
    status = _status(
        next=30,
        held=[[n, n] for n in sorted(held)],
        dropped=[[n, n, "full"] for n in sorted(dropped)],
    )
    ledger.note_status(NODE, status, _CREATED_MS + 5000)
    counts = _counts(ledger)
    assert counts.get("dropped:full", 0) == len(dropped - received)
    assert counts.get("lost", 0) == 30 - len(received | held | dropped)
