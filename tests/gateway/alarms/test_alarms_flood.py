"""Water at a gauge: official levels, the node's own levels, rising and falling."""

from alarm_city import GAUGE, STREET, City, brief


def test_each_official_level_is_a_revision_at_once(city: City) -> None:
    assert city.water(3999) == []
    assert city.stored == {}
    documents = city.water(4000)
    documents += city.water(5600)
    documents += city.water(6500)
    assert brief(documents) == [
        ("suspected", "Moderate", "Possible"),
        ("suspected", "Severe", "Possible"),
        ("suspected", "Extreme", "Possible"),
    ]
    assert [d["rev"] for d in documents] == [1, 2, 3]
    assert documents[1]["headline"] == {
        "vi": "Mực nước tại Sông Mã trên báo động II: 5,60 m",
        "en": "Water at Ma river above alert level II: 5.60 m",
    }


def test_a_level_that_holds_is_confirmed_by_the_timer(city: City) -> None:
    city.water(4000)
    (document,) = city.wait(30)
    assert brief([document]) == [("confirmed", "Moderate", "Likely")]
    assert document["evidence"][0]["value"] == 4000


def test_a_rise_after_confirmation_stays_confirmed(city: City) -> None:
    city.water(4000)
    city.wait(30)
    assert brief(city.water(6600)) == [("confirmed", "Extreme", "Likely")]


def test_a_jump_over_levels_is_one_revision(city: City) -> None:
    assert brief(city.water(7000)) == [("suspected", "Extreme", "Possible")]


def test_falling_water_steps_down_when_it_held_and_clears_by_itself(city: City) -> None:
    city.water(5600)
    city.wait(30)
    assert city.water(5469) == []
    assert brief(city.wait(30)) == [("confirmed", "Moderate", "Likely")]
    assert city.water(3900) == []
    (document,) = city.wait(30)
    assert (document["state"], document["urgency"]) == ("cleared", "Past")
    assert document["cleared"] == document["updated"]
    assert document["onset"] == "2025-11-24T23:00:00.000+07:00"
    assert document["headline"]["en"] == (
        "Water at Ma river is back below the watch level: 3.90 m"
    )


def test_water_within_the_hysteresis_does_not_fall(city: City) -> None:
    city.water(5500)
    city.wait(30)
    city.water(5471)
    assert city.wait(3600) == []


def test_waves_around_a_level_make_no_storm(city: City) -> None:
    documents = []
    for _ in range(100):
        documents += city.water(4050)
        documents += city.wait(5)
        documents += city.water(3900)
        documents += city.wait(5)
    assert brief(documents) == [("suspected", "Moderate", "Possible")]


def test_a_node_without_official_levels_is_judged_by_its_own_state(city: City) -> None:
    (document,) = city.water(520, "warning", STREET)
    assert brief([document]) == [("suspected", "Severe", "Possible")]
    assert document["headline"]["vi"] == "Ngập tại Sông Mã - mức cảnh báo: 0,52 m"


def test_a_state_without_a_level_is_judged_too(city: City) -> None:
    (document,) = city.water(None, "danger", STREET)
    assert brief([document]) == [("suspected", "Extreme", "Possible")]
    assert document["evidence"][0]["value"] == "danger"
    assert document["headline"]["vi"] == "Ngập tại Sông Mã - mức nguy hiểm"


def test_no_reading_is_neither_an_alarm_nor_its_end(city: City) -> None:
    assert city.water(None, None) == []
    city.water(4100)
    city.wait(30)
    assert city.water(None, None) == []
    assert city.wait(3600) == []


def test_a_backlog_older_than_ten_minutes_waits_for_a_fresh_level(city: City) -> None:
    assert city.water(4500, age_s=900) == []
    assert city.wait(60) == []
    (document,) = city.water(4500)
    assert brief([document]) == [("confirmed", "Moderate", "Likely")]
    assert document["onset"] == "2025-11-24T22:45:00.000+07:00"


def test_a_stale_level_after_a_fresh_one_leaves_no_timer_running_in_vain(city: City) -> None:
    city.water(4500, age_s=590)
    city.now_ms += 20_000
    assert city.water(4500, age_s=605) == []
    assert city.wait(60) == []
    assert brief(city.water(4500)) == [("confirmed", "Moderate", "Likely")]


def test_two_gauges_are_two_alarms_that_confirm_each_other(city: City) -> None:
    (river,) = city.water(4100)
    street, again = city.water(350, "watch", STREET)
    assert brief([street, again]) == [("confirmed", "Moderate", "Observed")] * 2
    assert (street["rev"], again["rev"]) == (1, 2)
    assert again["id"] == river["id"] != street["id"]
    assert {item["source"] for item in again["evidence"]} == {GAUGE, STREET}


def test_an_acknowledged_flood_clears_by_itself_and_keeps_the_acknowledgement(city: City) -> None:
    (document,) = city.water(4100)
    city.acknowledge(document["id"])
    city.water(3000)
    cleared = city.wait(60)[-1]
    assert (cleared["state"], cleared["ack"]["by"]) == ("cleared", "trực ban 1")


def test_a_cleared_flood_can_still_be_acknowledged(city: City) -> None:
    (document,) = city.water(4100)
    city.water(3000)
    city.wait(60)
    (acknowledged,) = city.acknowledge(document["id"])
    assert (acknowledged["state"], acknowledged["ack"]["by"]) == ("cleared", "trực ban 1")
    assert acknowledged["rev"] == 3
    assert acknowledged["evidence"][0]["source"] == GAUGE
