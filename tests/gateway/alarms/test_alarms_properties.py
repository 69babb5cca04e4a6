"""What holds for every history of facts, timers, restarts and acknowledgements."""

import hashlib
import json
from typing import Any

from alarm_city import COUNTER, EAST, GAUGE, NODE_A, NODE_B, STREET, WEST
from alarm_people import Waters
from haidang_gateway.alarms.acts import LONGEST_SHELF_MS
from haidang_gateway.alarms.levels import SETTLE_MS
from haidang_gateway.model import SmokeFact
from haidang_wire import messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

STEPS = {
    None: {"suspected", "confirmed"},
    "suspected": {"suspected", "confirmed", "cleared", "dismissed"},
    "confirmed": {"confirmed", "cleared", "dismissed"},
    "cleared": {"cleared"},
    "dismissed": set(),
}
AGES = st.sampled_from([0, 0, 0, 1, 30, 120, 590, 601, 4000])
PAUSES = st.one_of(st.sampled_from([0.001, 1, 10, 30, 60, 300]), st.floats(0.001, 700))


class Histories(RuleBasedStateMachine):
    """One city runs through, a twin starts anew now and then: both must tell the same."""

    @initialize()
    def begin(self) -> None:
        self.city = Waters()
        self.twin = Waters()
        self.checked = 0
        self.last: dict[str, dict[str, Any]] = {}
        self.hashes: dict[str, str] = {}

    @rule(
        state=st.sampled_from(["normal", "warming", "pre_alarm", "alarm"]),
        source=st.sampled_from([NODE_A, NODE_B]),
        age_s=AGES,
    )
    def smoke(self, state: str, source: str, age_s: int) -> None:
        self._both("smoke", state, source, age_s=age_s)

    @rule(
        active=st.booleans(),
        source=st.sampled_from([EAST, WEST]),
        kind=st.sampled_from(["fire", "smoke"]),
    )
    def flames(self, active: bool, source: str, kind: str) -> None:
        self._both("flames", active, source, kind)

    @rule(
        level_mm=st.sampled_from([None, 0, 3975, 4000, 5480, 5500, 6600]),
        state=st.sampled_from([None, "normal", "watch", "danger"]),
        source=st.sampled_from([GAUGE, STREET]),
        age_s=AGES,
    )
    def water(self, level_mm: int | None, state: str | None, source: str, age_s: int) -> None:
        self._both("water", level_mm, state, source, age_s=age_s)

    @rule(
        count=st.sampled_from([0.0, 9.0, 12.0, 180.0, 210.0, 480.0]),
        zone=st.sampled_from(["plaza", "gate"]),
        times=st.integers(1, 20),
    )
    def crowd(self, count: float, zone: str, times: int) -> None:
        for _ in range(times):
            self._both("crowd", count, zone)
            self.wait(2)

    @rule(devices=st.sampled_from([None, 10, 200]))
    def phones(self, devices: int | None) -> None:
        self._both("phones", devices)

    @rule(
        word=st.sampled_from(["ok", "warming", "open", "short", "noisy"]),
        sensor=st.sampled_from(["smoke", "flood"]),
        age_s=AGES,
    )
    def health(self, word: str, sensor: str, age_s: int) -> None:
        self._both("health", word, sensor, age_s=age_s)

    @rule(word=st.sampled_from(["ok", "low", "high"]), age_s=AGES)
    def power(self, word: str, age_s: int) -> None:
        self._both("power", word, age_s=age_s)

    @rule(source=st.sampled_from([NODE_A, EAST, COUNTER]))
    def silence(self, source: str) -> None:
        self._both("silence", source)

    @rule(source=st.sampled_from([NODE_A, EAST, COUNTER]), age_s=AGES)
    def heard(self, source: str, age_s: int) -> None:
        self._both("heard", source, age_s=age_s)

    @rule(
        by=st.sampled_from(["Hoa", "Nam"]),
        hazard=st.sampled_from(["fire", "flood", "crowd"]),
        place=st.sampled_from(["market", "lane", "river", "square"]),
        age_s=AGES,
    )
    def report(self, by: str, hazard: str, place: str, age_s: int) -> None:
        self._both("report", by, hazard, place, age_s=age_s)

    @rule(
        level_mm=st.sampled_from([3000, 3900, 4100, 5600]),
        rate=st.sampled_from([None, 0, 800, 5000]),
        upper=st.booleans(),
    )
    def rise(self, level_mm: int, rate: int | None, upper: bool) -> None:
        if upper:
            self._both("upper", level_mm)
        else:
            self._both("rise", level_mm, rate)

    @rule(number=st.integers(1, 12))
    def dismiss(self, number: int) -> None:
        self._both("dismiss", f"gw-01-5f3a9c1e-{number:04d}")

    @rule(number=st.integers(1, 12), hours=st.sampled_from([0, 0.1, 8]))
    def shelve(self, number: int, hours: float) -> None:
        self._both("shelve", f"gw-01-5f3a9c1e-{number:04d}", hours)

    @rule(seconds=st.sampled_from([0, 60, 3600]), place=st.sampled_from(["market", "lane"]))
    def exercise(self, seconds: int, place: str) -> None:
        self._both("exercise", seconds, place)

    @rule(state=st.sampled_from(["normal", "pre_alarm", "alarm"]))
    def pretend(self, state: str) -> None:
        self._both("pretend", state)

    @rule(state=st.sampled_from(["pre_alarm", "alarm"]))
    def crash_before_the_commit(self, state: str) -> None:
        """What was decided and not stored is decided again, and no number is used twice."""
        fact = SmokeFact(place="lane", state=state, ratio=None, **self.twin._when(NODE_B))
        self.twin.rules.apply(fact, self.twin.now_ms)
        self.twin.restart()
        told = [city.hear(fact) for city in (self.twin, self.city)]
        assert told[0] == told[1]

    @rule(number=st.integers(1, 12))
    def acknowledge(self, number: int) -> None:
        self._both("acknowledge", f"gw-01-5f3a9c1e-{number:04d}")

    @rule(seconds=PAUSES)
    def wait(self, seconds: float) -> None:
        self.city.wait(seconds)
        self.twin.wait(seconds)

    @rule()
    def restart(self) -> None:
        self.twin.restart()

    @invariant()
    def restarting_changes_nothing(self) -> None:
        assert self.twin.revisions == self.city.revisions
        assert self.twin.stored == self.city.stored

    @invariant()
    def every_timer_lies_ahead_or_runs_out(self) -> None:
        for due in self.city.rules.due(self.city.now_ms):
            assert due.at_ms <= self.city.now_ms

    @invariant()
    def revisions_are_chained_and_follow_the_lifecycle(self) -> None:
        fresh, self.checked = self.city.revisions[self.checked :], len(self.city.revisions)
        for revision in fresh:
            document = messages.decode("alarm", revision.document)
            before = self.last.get(revision.alarm_id)
            assert document["rev"] == revision.rev == (before["rev"] + 1 if before else 1)
            assert document["prev"] == self.hashes.get(revision.alarm_id)
            assert document["state"] in STEPS[before["state"] if before else None]
            over = document["state"] in ("cleared", "dismissed")
            assert (document["cleared"] is not None) == over
            assert not before or before["status"] == document["status"]
            assert not before or before["ack"] in (None, document["ack"])
            assert revision.sha256 == hashlib.sha256(revision.document).hexdigest()
            self.last[revision.alarm_id] = document
            self.hashes[revision.alarm_id] = f"sha256:{revision.sha256}"

    @invariant()
    def an_exercise_and_reality_never_mix(self) -> None:
        for document in self.last.values():
            played = {"exercise" in item["source"] for item in document["evidence"]}
            assert played == {document["status"] == "Exercise"}

    @invariant()
    def no_fire_no_flood_and_no_crowd_is_shelved(self) -> None:
        for document in self.last.values():
            assert "shelved" not in document or document["hazard"] == "device"

    @invariant()
    def every_open_alarm_is_the_only_one_of_its_key(self) -> None:
        states = self.city.states.values()
        held = {s["alarm"]["document"]["id"] for s in states if s.get("alarm")}
        newest = {document["id"]: document["state"] for document in self.city.documents}
        still_open = {i for i, state in newest.items() if state in ("suspected", "confirmed")}
        assert still_open <= held

    @invariant()
    def a_fire_ends_confirmed_only_by_a_person(self) -> None:
        for state in self.city.states.values():
            document = (state.get("alarm") or {}).get("document", {})
            if document.get("hazard") == "fire" and document["state"] == "cleared":
                assert document["ack"] or document["headline"]["en"].endswith("never confirmed")

    def _both(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Tells both cities, and the first once more: an exact repeat is no news."""
        told = getattr(self.city, name)(*args, **kwargs)
        assert getattr(self.twin, name)(*args, **kwargs) == told
        before = json.dumps(self.city.stored)
        assert getattr(self.city, name)(*args, **kwargs) == []
        assert json.dumps(self.city.stored) == before


FACTS = st.one_of(
    st.tuples(st.just("smoke"), st.sampled_from(["normal", "pre_alarm", "alarm"])),
    st.tuples(st.just("flames"), st.booleans()),
    st.tuples(st.just("water"), st.sampled_from([0, 4000, 6600])),
    st.tuples(st.just("crowd"), st.sampled_from([0.0, 480.0])),
    st.tuples(st.just("health"), st.sampled_from(["ok", "warming", "open", "noisy"])),
    st.tuples(st.sampled_from(["silence", "heard"])),
    st.tuples(st.just("acknowledge"), st.just("gw-01-5f3a9c1e-0001")),
    st.tuples(st.just("dismiss"), st.just("gw-01-5f3a9c1e-0001")),
    st.tuples(st.just("shelve"), st.just("gw-01-5f3a9c1e-0001"), st.sampled_from([0, 8])),
    st.tuples(st.just("exercise"), st.sampled_from([0, 3600])),
    st.tuples(st.just("pretend"), st.just("alarm")),
    st.tuples(st.just("report"), st.just("Hoa"), st.sampled_from(["fire", "flood"])),
    st.tuples(st.just("rise"), st.just(3900), st.sampled_from([0, 800])),
    st.tuples(st.just("upper"), st.sampled_from([3000, 4100])),
    st.tuples(st.just("wait"), PAUSES),
    st.tuples(st.just("clock_lost"), st.integers(-400 * 86_400, 86_400)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(FACTS, max_size=30))
def test_a_lost_wall_clock_never_leaves_a_timer_waiting(history: list[tuple[Any, ...]]) -> None:
    city = Waters()
    for name, *args in history:
        if name == "clock_lost":
            city.restart()
            city.now_ms += args[0] * 1000
        else:
            getattr(city, name)(*args)
        due_ms = city.rules.next_due_ms(city.now_ms)
        assert due_ms is None or due_ms <= city.now_ms + LONGEST_SHELF_MS + SETTLE_MS
        for state in city.states.values():
            assert state.get("due_ms") is None or state["window_ms"] <= LONGEST_SHELF_MS


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
