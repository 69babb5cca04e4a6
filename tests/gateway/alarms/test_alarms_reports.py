"""What people report: a suspicion alone, confirmed by others and by sensors, over in time."""

import pytest
from alarm_city import brief
from alarm_people import People


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


def test_two_tickets_are_two_people_whatever_signs_are_in_their_numbers(city: People) -> None:
    city.report("#4711")
    (document,) = city.report("#4712")
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


def test_a_report_before_the_window_confirms_no_water(city: People) -> None:
    city.report("Hoa", "flood", "river")
    city.wait(301)
    assert brief(city.water(4100)) == [("suspected", "Moderate", "Possible")]


def test_a_report_of_exactly_ten_minutes_ago_still_counts(city: People) -> None:
    assert len(city.report("Hoa", age_s=600)) == 1
    assert city.report("Nam", "flood", "river", age_s=600.001) == []
