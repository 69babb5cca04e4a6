"""Nobody waits behind a node that floods; slowing it down loses nothing and is counted."""

import asyncio
from collections import Counter, deque
from pathlib import Path

import pytest
from fakes import FakeClock
from haidang_gateway.fair_queue import FairQueue
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.allowance import Allowance, Rate
from haidang_gateway.ingest.arrival import Arrival
from hypothesis import given
from hypothesis import strategies as st
from node_packs import NODE, START_MS, pack, smoke
from pipeline_kit import KEY, open_bench
from waiting import DEADLINE_S

FLOODER = "n-240ac40000ff"
GOOD = [f"n-240ac40000{n:02x}" for n in range(50)]


def _arrival(node: str, seq: int = 0, payload: bytes = b"", kind: str = "alarm") -> Arrival:
    return Arrival(
        topic=f"hd/1/n/{node}/{kind}",
        payload=payload,
        lane="alarm",
        retained=False,
        packet_id=seq + 1,
        received_ms=START_MS,
        session="alarm",
        connection=1,
    )


@given(st.integers(1, 3), st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_each_owners_items_keep_their_order_and_the_bound_holds(
    in_turn: int, steps: list[tuple[str, bool]]
) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(7, in_turn)
    model: dict[str, deque[tuple[str, int]]] = {owner: deque() for owner in "abc"}
    for number, (owner, taking) in enumerate(steps):
        if taking:
            for item in queue.take(2):
                assert model[item[0]].popleft() == item
        else:
            item = (owner, number)
            refused = queue.put(owner, item)
            if refused != item:
                model[owner].append(item)
            if refused is not None and refused != item:
                assert model[refused[0]].pop() == refused, "its owner's newest"
                assert len(model[refused[0]]) >= len(model[owner]) - 1
        assert len(queue) == sum(map(len, model.values())) <= 7


def test_of_telemetry_a_node_has_ten_messages_in_turn_and_no_more() -> None:
    inbox = Inbox(urgent_limit=10, data_limit=2000, monotonic_ms=FakeClock().monotonic_ms)
    inbox.put_all_data([_arrival(FLOODER, seq, kind="data") for seq in range(1000)])
    inbox.put_all_data([_arrival(node, seq, kind="data") for node in GOOD for seq in range(2)])
    taken = [item for item in inbox.take_data(115) if isinstance(item, Arrival)]
    owners = Counter(item.topic.split("/")[3] for item in taken)
    assert owners == {FLOODER: 15, **dict.fromkeys(GOOD, 2)}
    assert [item.packet_id for item in taken if FLOODER in item.topic] == list(range(1, 16))


def test_a_flood_of_one_node_delays_an_alarm_of_fifty_others_by_one_turn() -> None:
    inbox = Inbox(urgent_limit=2000, data_limit=10, monotonic_ms=FakeClock().monotonic_ms)
    displaced: list[Arrival] = []
    inbox.on_displaced = displaced.append
    for seq in range(10_000):
        inbox.put_urgent(_arrival(FLOODER, seq))
    assert all(inbox.put_urgent(_arrival(node)) for node in GOOD), "a full inbox has room for them"
    taken = inbox.take_urgent(100)
    owners = Counter(item.topic.split("/")[3] for item in taken if isinstance(item, Arrival))
    assert all(owners[node] == 1 for node in GOOD)
    assert len(displaced) == len(GOOD), "as many of the flooder's newest made room"
    refused = inbox.take_refused()
    assert refused == {FLOODER: 10_000 - 2000 + len(GOOD)}
    assert inbox.refused == sum(refused.values())
    assert inbox.take_refused() == {}


def test_what_the_gateway_itself_has_to_say_waits_behind_no_flood() -> None:
    async def scenario() -> None:
        inbox = Inbox(urgent_limit=5, data_limit=5, monotonic_ms=FakeClock().monotonic_ms)
        for seq in range(20):
            inbox.put_urgent(_arrival(FLOODER, seq))
        fact = object()
        await asyncio.wait_for(inbox.tell(fact), DEADLINE_S)  # type: ignore[arg-type]
        for node in GOOD:
            inbox.put_urgent(_arrival(node))
        assert fact in inbox.take_urgent(50), "and it is never displaced"

    asyncio.run(scenario())


def test_a_backlog_passes_at_once_and_a_steady_flood_only_at_its_rate() -> None:
    allowance = Allowance(Rate(burst=100, per_s=10))
    assert sum(allowance.take(FLOODER, 0) for _ in range(500)) == 100
    assert sum(allowance.take(FLOODER, at_ms) for at_ms in range(10_001)) == 100
    assert allowance.take(NODE, 0), "the others have their own"
    assert sum(allowance.take(FLOODER, 3_600_000) for _ in range(500)) == 100


def test_allowances_are_kept_of_a_bounded_number_of_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("haidang_gateway.ingest.allowance._MOST_NODES", 3)
    allowance = Allowance(Rate(burst=1, per_s=1))
    assert [allowance.take(node, 0) for node in ("a", "b", "a", "c", "d", "a")] == [
        True, True, False, True, True, False,
    ]  # fmt: skip


def test_an_alarm_is_acknowledged_in_the_first_round_beside_a_flood_which_is_counted(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for seq in range(200):
                bench.inbox.put_urgent(_arrival(FLOODER, seq, b"rubbish %d" % seq))
            bench.inbox.put_urgent(_arrival(NODE, 7, pack(7, *smoke("alarm"))))
            await bench.pipeline.step()
            assert ("ack", KEY, [[7, 7]], "alarm") in bench.answers.given
            assert await bench.alarms() == 1
            assert bench.inbox.take_refused()[FLOODER] == 191

    asyncio.run(scenario())
