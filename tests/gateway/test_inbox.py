"""The pipeline's two smallest parts: its bounded queues and the test aid that kills it."""

import asyncio
from typing import Any

import pytest
from fakes import FakeClock
from haidang_gateway.crash_points import CrashPoints
from haidang_gateway.inbox import Inbox


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
