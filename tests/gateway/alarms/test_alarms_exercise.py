"""An exercise runs the same rules, never becomes actual, and ends with all that it raised."""

from alarm_city import NODE_B, brief
from alarm_people import HOUR_S, People
from haidang_gateway.model import FloodFact


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
