"""What is counted of alarms: raised and dismissed by source and month, floods of them."""

from alarm_city import NODE_A, START_MS
from alarm_people import People
from haidang_gateway.model import DismissAlarm, Fact, Injected, Silence, SmokeFact


def _counts(city: People, facts: list[Fact]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for fact in facts:
        outcome = city.rules.apply(fact, city.now_ms)
        for name, count in outcome.counts.items():
            counts[name] = counts.get(name, 0) + count
    return {name: count for name, count in counts.items() if count}


def test_false_alarms_are_counted_by_source_and_month(city: People) -> None:
    now = {"at_ms": START_MS, "received_ms": START_MS}
    smoke = SmokeFact(source=NODE_A, place="market", state="alarm", ratio=None, **now)
    alarm_id = "gw-01-5f3a9c1e-0001"
    facts: list[Fact] = [
        smoke,
        city.reported("Hoa", "fire", "market"),
        DismissAlarm(alarm_id=alarm_id, by="Lan", **now),
    ]
    assert _counts(city, facts) == {
        f"alarms:2025-11:raised:{NODE_A}": 1,
        f"alarms:2025-11:dismissed:{NODE_A}": 1,
        "alarms:2025-11:raised:report": 1,
        "alarms:2025-11:dismissed:report": 1,
    }


def test_an_exercise_is_no_statistic(city: People) -> None:
    city.exercise(100)
    when = {"at_ms": START_MS, "received_ms": START_MS}
    stimulus = SmokeFact(source="exercise:s", place="market", state="alarm", ratio=None, **when)
    assert _counts(city, [Injected(stimulus=stimulus, **when)]) == {}


def test_more_than_ten_alarms_in_ten_minutes_are_one_counted_flood(city: People) -> None:
    def silences(first: int, count: int) -> list[Fact]:
        return [
            Silence(place="market", since_ms=0, **city._when(f"urn:dev:mac:{n:016x}"))
            for n in range(first, first + count)
        ]

    assert "alarm_floods" not in _counts(city, silences(0, 10))
    assert _counts(city, silences(10, 5))["alarm_floods"] == 1
    city.now_ms += 600_000
    assert "alarm_floods" not in _counts(city, silences(20, 10))
    assert _counts(city, silences(30, 1))["alarm_floods"] == 1
