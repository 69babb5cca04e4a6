"""What persons do and see: reports, dismissal, shelving, exercises; and what is counted of it."""

import pytest
from alarm_city import EAST, NODE_A, NODE_B, START_MS, brief
from alarm_people import HOUR_S, People
from haidang_gateway.model import (
    DismissAlarm,
    Fact,
    FloodFact,
    Injected,
    Silence,
    SmokeFact,
)


@pytest.fixture
def city() -> People:
    return People()


def test_one_report_of_a_fire_is_a_suspicion_that_runs_out(city: People) -> None:
    (document,) = city.report("Hoa")
    assert brief([document]) == [("suspected", "Moderate", "Possible")]
    item = document["evidence"][0]
    assert (item["source"], item["kind"], item["value"]) == ("report:Hoa", "report", "khói đen")
    assert city.wait(1799) == []
    (document,) = city.wait(1)
    assert (document["state"], document["ack"]) == ("cleared", None)


def test_two_people_confirm_a_fire_and_one_person_twice_does_not(city: People) -> None:
    city.report("Hoa")
    city.wait(10)
    assert city.report("Hoa") == []
    city.wait(290)
    (document,) = city.report("Nam")
    assert brief([document]) == [("confirmed", "Severe", "Observed")]


def test_two_reports_farther_apart_than_the_window_stay_a_suspicion(city: People) -> None:
    city.report("Hoa")
    city.wait(301)
    assert brief(city.report("Nam")) == [("suspected", "Moderate", "Possible")]


@pytest.mark.parametrize("sign", ["pre_alarm", "alarm"])
def test_a_report_and_a_sensor_confirm_each_other(city: People, sign: str) -> None:
    city.smoke(sign)
    assert brief(city.report("Hoa")) == [("confirmed", "Severe", "Observed")]


def test_an_old_report_opens_nothing_and_a_repeated_one_changes_nothing(city: People) -> None:
    assert city.report("Hoa", age_s=601) == []
    assert city.report("Hoa", "flood", age_s=601) == []
    report = city.reported("Hoa", "flood", "river")
    assert len(city.hear(report)) == 1
    before = dict(city.stored)
    assert city.hear(report) == []
    assert city.stored == before


def test_a_confirmed_fire_of_reports_ends_like_any_other(city: People) -> None:
    city.report("Hoa")
    (fire,) = city.report("Nam")
    assert city.wait(4000) == []
    (done,) = city.acknowledge(fire["id"])
    assert done["state"] == "cleared"


@pytest.mark.parametrize(("hazard", "vi"), [("flood", "ngập"), ("crowd", "đông người")])
def test_reports_of_water_and_crowds_open_an_alarm_of_their_own(
    city: People, hazard: str, vi: str
) -> None:
    (document,) = city.report("Hoa", hazard, "square")
    assert brief([document]) == [("suspected", "Moderate", "Possible")]
    assert document["headline"]["vi"] == f"Có người báo {vi} tại Quảng trường - đang xác minh"
    city.wait(300)
    assert brief(city.report("Nam", hazard, "square")) == [("confirmed", "Moderate", "Observed")]
    city.wait(1799)
    (document,) = city.wait(1)
    assert document["state"] == "cleared"


def test_reports_of_water_too_far_apart_do_not_agree(city: People) -> None:
    city.report("Hoa", "flood", "river")
    city.wait(301)
    assert brief(city.report("Nam", "flood", "river")) == [("suspected", "Moderate", "Possible")]


def test_a_report_confirms_what_a_gauge_or_a_camera_sees(city: People) -> None:
    city.water(4100)
    own, gauge = city.report("Hoa", "flood", "river")
    assert brief([own, gauge]) == [
        ("suspected", "Moderate", "Possible"),
        ("confirmed", "Moderate", "Observed"),
    ]
    city.watch_crowd(210, 40)
    _, zone = city.report("Hoa", "crowd", "square")
    assert brief([zone]) == [("confirmed", "Moderate", "Observed")]


def test_a_report_before_the_water_counts_inside_the_window(city: People) -> None:
    city.report("Hoa", "flood", "river")
    city.wait(300)
    assert brief(city.water(4100)) == [("confirmed", "Moderate", "Observed")]


def test_a_dismissed_fire_is_over_at_once_and_names_who(city: People) -> None:
    (fire,) = city.smoke("alarm")
    (done,) = city.dismiss(fire["id"])
    assert (done["state"], done["ack"]["by"], done["urgency"]) == ("dismissed", "Lan", "Past")
    assert done["cleared"] == done["updated"]
    assert done["headline"]["en"] == "Fire alarm at Cot Do market: false, dismissed"
    assert city.dismiss(fire["id"]) == []
    assert city.acknowledge(fire["id"]) == []


def test_what_was_dismissed_rests_until_its_source_was_quiet(city: People) -> None:
    (fire,) = city.smoke("alarm")
    city.dismiss(fire["id"])
    city.wait(10)
    assert city.smoke("alarm") == []
    assert city.wait(600) == []
    city.smoke("normal")
    (again,) = city.smoke("alarm")
    assert again["id"] != fire["id"]


def test_another_source_breaks_a_dismissal_and_counts_with_the_first(city: People) -> None:
    (fire,) = city.smoke("alarm")
    city.dismiss(fire["id"])
    (again,) = city.flames()
    assert again["id"] != fire["id"]
    assert brief([again]) == [("confirmed", "Severe", "Observed")]


def test_water_that_rises_breaks_a_dismissal_and_the_same_level_does_not(city: People) -> None:
    (flood,) = city.water(4100)
    city.dismiss(flood["id"])
    assert city.water(4200) == []
    assert city.wait(60) == []
    (again,) = city.water(5600)
    assert again["id"] != flood["id"]
    assert brief([again]) == [("confirmed", "Severe", "Likely")]


def test_a_dismissed_crowd_and_a_dismissed_fault_rest_too(city: People) -> None:
    (crowd,) = city.watch_crowd(210, 40)
    city.dismiss(crowd["id"])
    assert city.watch_crowd(210, 60) == []
    city.watch_crowd(50, 60)
    assert len(city.watch_crowd(210, 40)) == 1
    (fault,) = city.health("open")
    city.dismiss(fault["id"])
    assert city.health("open") == []
    city.health("ok")
    city.wait(30)
    assert len(city.health("open")) == 1


def test_only_faults_of_devices_are_shelved(city: People) -> None:
    (fire,) = city.smoke("alarm")
    assert city.shelve(fire["id"], 1) == []
    (flood,) = city.water(4100)
    assert city.shelve(flood["id"], 1) == []
    (broker,) = city.silence("gateway:gw-01")
    assert city.shelve(broker["id"], 1) == []
    assert not any(key.startswith("shelf:") for key in city.stored)


def test_a_shelved_fault_is_silent_until_its_time_and_then_tells_what_is(city: People) -> None:
    (fault,) = city.health("open")
    (told,) = city.shelve(fault["id"], 8)
    assert told["shelved"] == {"by": "Lan", "until": "2025-11-25T07:00:00.000+07:00"}
    city.health("short")
    assert city.wait(HOUR_S) == []
    city.restart()
    assert city.wait(7 * HOUR_S - 1) == []
    (again,) = city.wait(1)
    assert (again["state"], "shelved" in again) == ("confirmed", False)
    assert again["headline"]["en"].endswith("short circuit")


def test_what_is_repaired_on_the_shelf_is_told_at_its_end(city: People) -> None:
    (fault,) = city.health("open")
    city.shelve(fault["id"], 1)
    city.health("ok")
    assert city.wait(HOUR_S - 1) == []
    (again,) = city.wait(1)
    assert again["state"] == "cleared"


def test_a_shelving_is_ended_by_hand_and_by_dismissal(city: People) -> None:
    (fault,) = city.health("open")
    city.shelve(fault["id"], 8)
    (told,) = city.shelve(fault["id"], 0)
    assert "shelved" not in told
    city.shelve(fault["id"], 8)
    (done,) = city.dismiss(fault["id"])
    assert (done["state"], "shelved" in done) == ("dismissed", False)
    assert not any(key.startswith("shelf:") for key in city.stored)


def test_an_exercise_runs_the_same_rules_and_never_becomes_actual(city: People) -> None:
    city.exercise(HOUR_S)
    (first,) = city.pretend("alarm")
    (second,) = city.wait(60)
    assert brief([first, second]) == [
        ("suspected", "Severe", "Possible"),
        ("confirmed", "Severe", "Likely"),
    ]
    assert first["status"] == second["status"] == "Exercise"
    assert second["headline"]["vi"] == "DIỄN TẬP: Cháy tại Chợ Cột Đỏ - đã xác nhận"


def test_real_evidence_during_an_exercise_is_actual_and_confirms_nothing_of_it(
    city: People,
) -> None:
    city.exercise(HOUR_S)
    (played,) = city.pretend("alarm")
    (real,) = city.smoke("alarm", NODE_B)
    assert (real["status"], real["certainty"]) == ("Actual", "Possible")
    assert real["id"] != played["id"]
    assert len(real["evidence"]) == 1
    (played,) = city.inject(city.reported("exercise:x", "fire", "market"))
    assert played["status"] == "Exercise"
    assert not any("exercise" not in item["source"] for item in played["evidence"])


def test_stimuli_without_an_exercise_or_at_another_place_change_nothing(city: People) -> None:
    assert city.pretend("alarm") == []
    city.exercise(HOUR_S)
    assert city.pretend("alarm", "river") == []
    assert set(city.stored) == {"exercise:market"}


def test_an_exercise_ends_at_its_time_with_all_that_it_raised(city: People) -> None:
    city.exercise(100)
    city.pretend("alarm")
    city.wait(60)
    water = FloodFact(
        place="market", state="danger", level_mm=None, rate_mm_h=None, **city._when("exercise:w")
    )
    city.inject(water)
    city.restart()
    documents = city.wait(40)[-2:]
    assert [(d["state"], d["status"]) for d in documents] == [("cleared", "Exercise")] * 2
    assert documents[0]["headline"]["en"] == "EXERCISE: The exercise at Cot Do market is over"
    assert not any("exercise" in key for key in city.stored)
    assert city.pretend("alarm") == []


def test_an_exercise_is_ended_by_hand_and_prolonged(city: People) -> None:
    city.exercise(100)
    city.exercise(200)
    city.wait(150)
    city.pretend("alarm")
    (document,) = city.exercise(0)
    assert document["state"] == "cleared"
    assert "exercise:market" not in city.stored


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


def test_a_device_that_comes_and_goes_must_stay_well_longer_each_time(city: People) -> None:
    waits = []
    for _ in range(4):
        city.silence(EAST)
        city.heard(EAST)
        began_ms = city.now_ms
        while not city.wait(5):
            pass
        waits.append((city.now_ms - began_ms) // 1000)
    assert waits == [30, 60, 120, 240]
    city.wait(HOUR_S)
    city.silence(EAST)
    city.heard(EAST)
    assert city.wait(29) == []
    assert city.wait(1)[0]["state"] == "cleared"


def test_a_report_before_the_window_confirms_no_water(city: People) -> None:
    city.report("Hoa", "flood", "river")
    city.wait(301)
    assert brief(city.water(4100)) == [("suspected", "Moderate", "Possible")]


def test_a_report_of_exactly_ten_minutes_ago_still_counts(city: People) -> None:
    assert len(city.report("Hoa", age_s=600)) == 1
    assert city.report("Nam", "flood", "river", age_s=600.001) == []


def test_each_revision_names_the_bytes_of_the_one_before(city: People) -> None:
    city.smoke("alarm")
    city.wait(60)
    first, second = city.revisions
    assert city.documents[1]["prev"] == f"sha256:{first.sha256}" != second.sha256
