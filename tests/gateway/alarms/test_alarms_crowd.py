"""A crowd in a zone: density or head count that holds, with phones as a second measurement."""

from alarm_city import COUNTER, START_MS, City, brief


def test_a_density_that_holds_is_confirmed_with_its_level(city: City) -> None:
    documents = city.watch_crowd(360, 40)
    assert brief(documents) == [("confirmed", "Severe", "Likely")]
    assert documents[0]["headline"] == {
        "vi": "Đông người tại Quảng trường - mức cảnh báo, khoảng 360 người (3,6 người/m²)",
        "en": "Crowd at the square - warning level, about 360 people (3.6 per m²)",
    }
    assert documents[0]["onset"] == "2025-11-24T23:00:00.000+07:00"
    assert documents[0]["updated"] == "2025-11-24T23:00:30.000+07:00"


def test_a_short_crowd_raises_nothing(city: City) -> None:
    documents = city.watch_crowd(360, 28)
    documents += city.watch_crowd(100, 60)
    assert documents == []


def test_growth_raises_the_level_and_thinning_lowers_and_clears_it(city: City) -> None:
    documents = city.watch_crowd(210, 40)
    documents += city.watch_crowd(480, 40)
    documents += city.watch_crowd(210, 40)
    documents += city.watch_crowd(50, 40)
    assert [(d["state"], d["severity"]) for d in documents] == [
        ("confirmed", "Moderate"),
        ("confirmed", "Extreme"),
        ("confirmed", "Moderate"),
        ("cleared", "Moderate"),
    ]
    assert documents[-1]["headline"]["vi"] == "Đám đông tại Quảng trường đã giãn - khoảng 50 người"


def test_a_head_count_limit_needs_no_area(city: City) -> None:
    documents = city.watch_crowd(12, 20, "gate")
    assert brief(documents) == [("confirmed", "Moderate", "Likely")]
    assert documents[0]["evidence"][0]["name"] == "crowd/count"


def test_a_count_that_swings_around_the_limit_makes_no_storm(city: City) -> None:
    documents = []
    for _ in range(60):
        documents += city.watch_crowd(12, 12, "gate")
        documents += city.watch_crowd(6, 6, "gate")
    assert brief(documents) == [("confirmed", "Moderate", "Likely")]


def test_a_count_inside_the_hysteresis_does_not_clear(city: City) -> None:
    city.watch_crowd(12, 20, "gate")
    assert city.watch_crowd(8.5, 60, "gate") == []


def test_a_blind_camera_neither_raises_nor_clears(city: City) -> None:
    city.crowd(480)
    assert city.wait(3600) == []
    assert brief(city.watch_crowd(480, 40)) == [("confirmed", "Extreme", "Likely")]
    assert city.wait(3600) == []


def test_a_gap_does_not_count_as_holding(city: City) -> None:
    city.watch_crowd(480, 20)
    city.wait(300)
    assert city.crowd(480) == []


def test_phones_that_agree_make_it_observed(city: City) -> None:
    city.watch_crowd(210, 40)
    (document,) = city.phones(200)
    assert brief([document]) == [("confirmed", "Moderate", "Observed")]
    assert document["evidence"][-1]["source"] == COUNTER
    assert city.phones(210) == []


def test_phones_that_disagree_or_are_suppressed_change_nothing(city: City) -> None:
    city.watch_crowd(210, 40)
    assert city.phones(50) == []
    assert city.phones(None) == []


def test_phones_before_the_crowd_count_inside_the_fusion_window(city: City) -> None:
    city.phones(200)
    assert brief(city.watch_crowd(210, 40)) == [("confirmed", "Moderate", "Observed")]


def test_phones_of_long_ago_do_not_count(city: City) -> None:
    city.phones(200)
    city.wait(301)
    assert brief(city.watch_crowd(210, 40)) == [("confirmed", "Moderate", "Likely")]


def test_what_two_measurements_observed_stays_observed(city: City) -> None:
    city.phones(400)
    city.watch_crowd(210, 40)
    city.phones(None)
    assert brief(city.watch_crowd(480, 40)) == [("confirmed", "Extreme", "Observed")]


def test_phones_alone_raise_nothing(city: City) -> None:
    assert city.phones(5000) == []
    assert city.wait(3600) == []


def test_a_restart_while_a_level_holds_forgets_nothing(city: City) -> None:
    city.watch_crowd(210, 20)
    city.restart()
    documents = city.watch_crowd(210, 20)
    assert brief(documents) == [("confirmed", "Moderate", "Likely")]
    assert city.now_ms == START_MS + 40_000


def test_a_crowd_that_grows_fast_is_told_so_and_no_longer_when_it_stands(city: City) -> None:
    documents = []
    for second in range(0, 180, 2):
        documents += city.crowd(210 + second / 2)
        documents += city.wait(2)
    assert [d["urgency"] for d in documents] == ["Expected", "Immediate"]
    assert documents[-1]["headline"]["vi"].endswith("đang tăng nhanh")
    documents = city.watch_crowd(300, 400)
    assert [d["urgency"] for d in documents] == ["Expected"]


def test_a_crowd_that_grows_slowly_is_not_called_growing(city: City) -> None:
    documents = []
    for second in range(0, 180, 2):
        documents += city.crowd(210 + second / 20)
        documents += city.wait(2)
    assert [d["urgency"] for d in documents] == ["Expected"]
