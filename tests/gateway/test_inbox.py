"""The pipeline's two smallest parts: its bounded queues and the test aid that kills it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fakes import FakeClock
from haidang_gateway.crash_points import CrashPoints
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.arrival import Arrival


def test_the_inbox_is_bounded_and_counts_what_it_refuses() -> None:
    inbox = Inbox(urgent_limit=2, data_limit=1, monotonic_ms=FakeClock().monotonic_ms)
    item: Any = object()
    assert [inbox.put_urgent(item) for _ in range(3)] == [True, True, False]
    assert [inbox.put_data(item) for _ in range(2)] == [True, False]
    assert inbox.refused == 2
    assert len(inbox.take_urgent(10)) == 2


def test_a_fact_is_never_refused_its_teller_waits_for_a_place() -> None:
    async def scenario() -> None:
        inbox = Inbox(urgent_limit=1, data_limit=1, monotonic_ms=FakeClock().monotonic_ms)
        facts: list[Any] = [object(), object(), object()]
        tellers = [asyncio.create_task(inbox.tell(fact)) for fact in facts]
        taken: list[Any] = []
        for count in (1, 2, 3):
            for _ in range(3):
                await asyncio.sleep(0)
            assert sum(teller.done() for teller in tellers) == count
            taken += inbox.take_urgent(5)
        assert taken == facts
        assert inbox.refused == 0

    asyncio.run(scenario())


def test_telemetry_wakes_when_it_begins_to_wait_and_when_a_group_is_full() -> None:
    async def scenario() -> None:
        inbox = Inbox(
            urgent_limit=9, data_limit=9, monotonic_ms=FakeClock().monotonic_ms, data_group=3
        )
        item: Any = object()

        async def woken_by(put: Callable[[Any], bool]) -> bool:
            waiting = asyncio.create_task(inbox.wait(60))
            await asyncio.sleep(0)
            assert put(item)
            for _ in range(3):
                await asyncio.sleep(0)
            woken = waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            return woken

        assert [await woken_by(inbox.put_data) for _ in range(4)] == [True, False, True, True]
        assert await woken_by(inbox.put_urgent)
        inbox.take_data(2)
        assert inbox.data_age_ms() == 0, "what is left waits from now on"
        inbox.take_data(9)
        assert await woken_by(inbox.put_data)

    asyncio.run(scenario())


def _arrival(node: int, number: int) -> Arrival:
    return Arrival(
        topic=f"hd/1/n/n-24{node:010x}/data",
        payload=b"%d" % number,
        lane="data",
        retained=False,
        packet_id=number,
        received_ms=0,
        session="data",
        connection=1,
    )


def test_an_alarm_waits_for_one_of_another_node_telemetry_for_ten() -> None:
    inbox = Inbox(urgent_limit=99, data_limit=99, monotonic_ms=FakeClock().monotonic_ms)
    much, little = [_arrival(1, number) for number in range(20)], _arrival(2, 99)
    for one in (*much, little):
        assert inbox.put_urgent(one)
        assert inbox.put_data(one)
    assert inbox.take_urgent(99).index(little) == 1
    assert inbox.take_data(99).index(little) == 10


def test_who_has_most_gives_up_the_newest_and_the_brokers_place_with_it() -> None:
    inbox = Inbox(urgent_limit=9, data_limit=4, monotonic_ms=FakeClock().monotonic_ms)
    displaced: list[Arrival] = []
    inbox.on_displaced = displaced.append
    much = [_arrival(1, number) for number in (1, 2, 3, 4)]
    little = _arrival(2, 5)
    assert all(inbox.put_data(one) for one in (*much, little))
    assert displaced == [much[-1]]
    assert inbox.take_data(9) == [*much[:3], little]
    assert dict(inbox.take_refused()) == {"n-240000000001": 1}


def test_statuses_have_a_share_of_their_own_since_each_is_the_work_of_a_hundred_packs() -> None:
    clock = FakeClock()
    inbox = Inbox(urgent_limit=9, data_limit=9999, monotonic_ms=clock.monotonic_ms)
    statuses, calm = _arrival(1, 0), _arrival(2, 0)
    taken: Counter[str] = Counter()
    for second in range(60):
        refused = inbox.put_all_statuses([statuses] * 20)
        assert len(refused) == (0 if second == 0 else 19)
        assert inbox.put_all_statuses([calm]) == []
        assert inbox.put_all_data([statuses] * 20) == []
        taken += Counter(one.topic for one in inbox.take_data(99) if isinstance(one, Arrival))
        clock.advance(1000)
    assert taken == {statuses.topic: 60 * 20 + 20 + 59, calm.topic: 60}
    assert dict(inbox.take_refused()) == {"n-240000000001": 59 * 19}


def test_crash_points_count_alarm_packs_at_their_own_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(
        "haidang_gateway.crash_points.os.kill", lambda _pid, number: killed.append(number)
    )
    points = CrashPoints("after_commit:3")
    points.passing("before_commit", 5)
    points.passing("after_commit", 0)
    points.passing("after_commit", 2)
    assert killed == []
    points.passing("after_commit", 1)
    assert len(killed) == 1
    CrashPoints("").passing("after_commit", 5)
    assert len(killed) == 1
