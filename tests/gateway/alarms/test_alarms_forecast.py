"""Water to come, places within reach, phones that learn from a camera, crowds that grow."""

import dataclasses
from typing import Any

import pytest
from alarm_city import COUNTER, GAUGE, NODE_A, SITE, STREET, City, brief
from alarm_people import CITY, UPPER, Waters
from haidang_gateway.alarms.calibration import is_learnt, learn, people_of
from haidang_gateway.alarms.routes import Routes
from haidang_gateway.model import FireSeen, Report, SmokeFact
from haidang_gateway.site import Edition, Level, Place
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def city() -> Waters:
    return Waters()


def test_water_that_will_reach_a_level_within_the_lead_time_is_told_when_it_held(
    city: Waters,
) -> None:
    # 400 mm at 800 mm/h are 1,800 s: the very edge of the lead time.
    assert city.rise(3600, 800) == []
    (document,) = city.wait(30)
    assert brief([document]) == [("suspected", "Moderate", "Possible")]
    assert document["urgency"] == "Expected"
    assert document["headline"] == {
        "vi": "Nước tại Sông Mã đang lên 0,8 m/giờ: mức báo động sau khoảng 30 phút",
        "en": "Water at Ma river rises by 0.8 m/h: an alert level in about 30 min",
    }
    rate = document["evidence"][1]
    assert (rate["name"], rate["value"], rate["unit"]) == ("flood/rate", 800, "mm/h")


@pytest.mark.parametrize(("level_mm", "rate"), [(3599, 800), (3600, 799), (3990, 9), (3990, None)])
def test_water_that_rises_more_slowly_raises_nothing(
    city: Waters, level_mm: int, rate: int | None
) -> None:
    assert city.rise(level_mm, rate) == []
    assert city.wait(60) == []


def test_one_fast_reading_alone_raises_nothing(city: Waters) -> None:
    city.rise(3900, 3000)
    city.wait(29)
    assert city.rise(3900, 0) == []
    assert city.wait(600) == []


def test_water_that_stops_rising_is_over_after_five_minutes(city: Waters) -> None:
    city.rise(3900, 800)
    city.wait(30)
    assert city.rise(3900, 0) == []
    assert city.wait(299) == []
    (document,) = city.wait(1)
    assert document["state"] == "cleared"


def test_a_forecast_becomes_the_flood_of_the_same_alarm(city: Waters) -> None:
    city.rise(3900, 800)
    (coming,) = city.wait(30)
    (flood,) = city.rise(4050, 800)
    assert flood["id"] == coming["id"]
    # The next level is 1,450 mm away now.
    assert flood["headline"]["vi"].startswith("Nước tại Sông Mã trên báo động I: 4,05 m")


def test_rising_above_a_level_names_the_time_to_the_next(city: Waters) -> None:
    city.rise(5000, 1000)
    documents = city.wait(30)
    assert documents[-1]["headline"]["en"] == (
        "Water at Ma river above alert level I: 5.00 m, next level in about 30 min"
    )
    assert documents[-1]["urgency"] == "Immediate"


def test_above_the_last_level_there_is_no_next(city: Waters) -> None:
    city.rise(7000, 5000)
    (document,) = city.wait(30)
    assert "next level" not in document["headline"]["en"]


def test_a_street_node_brings_its_own_time_to_the_next_level(city: Waters) -> None:
    fact = {"source": STREET, "state": "normal", "to_next_s": 600}
    assert city.rise(120, 300, **fact) == []
    (document,) = city.wait(30)
    assert document["headline"]["vi"].endswith("0,3 m/giờ: mức theo dõi sau khoảng 10 phút")


def test_high_water_upstream_tells_when_it_is_expected_below(city: Waters) -> None:
    upstream = city.upper(4100)
    assert [d["place"]["id"] for d in upstream] == ["hill"]
    documents = city.wait(30)
    (below,) = [d for d in documents if d["place"]["id"] == "river"]
    assert (below["state"], below["urgency"], below["certainty"]) == (
        "suspected",
        "Future",
        "Possible",
    )
    assert below["headline"] == {
        "vi": "Nước cao tại Cẩm Thủy: dự kiến tới Sông Mã khoảng 00:30",
        "en": "High water at Cam Thuy: expected at Ma river about 00:30",
    }
    assert below["evidence"][0]["source"] == UPPER


def test_a_wave_upstream_shorter_than_the_window_is_not_passed_on(city: Waters) -> None:
    city.upper(4100)
    city.wait(29)
    city.upper(3000)
    assert all(d["place"]["id"] == "hill" for d in city.wait(9000))


def test_what_came_down_or_passed_by_is_over_after_half_as_long_again(city: Waters) -> None:
    city.upper(4100)
    city.wait(600)
    city.upper(3000)
    city.restart()
    documents = city.wait(8099)
    assert all(d["place"]["id"] == "hill" for d in documents)
    (document,) = city.wait(1)
    assert (document["place"]["id"], document["state"]) == ("river", "cleared")


def test_high_water_below_does_not_warn_upstream(city: Waters) -> None:
    city.water(4100)
    documents = city.wait(600)
    assert all(d["place"]["id"] == "river" for d in documents)


def test_levels_count_from_their_day_on(city: Waters) -> None:
    def edition(mm: int, days: int) -> Edition:
        level = Level(name="watch", mm=mm, severity="Moderate")
        return Edition(
            levels=(level,), from_ms=city.now_ms + days * 86_400_000, document=f"QĐ {mm}"
        )

    editions = (edition(4000, -10), edition(3000, 1), edition(9000, -900))
    city.restart(dataclasses.replace(CITY, gauges={GAUGE: editions}))
    assert city.water(3500) == []
    city.wait(86_400)
    assert len(city.water(3500)) == 1


def test_levels_without_a_decision_are_not_called_official(city: Waters) -> None:
    own = Edition(levels=CITY.gauges[GAUGE][0].levels)
    city.restart(dataclasses.replace(CITY, gauges={GAUGE: (own,)}))
    (document,) = city.water(4100)
    assert document["headline"]["vi"] == "Ngập tại Sông Mã - mức theo dõi: 4,10 m"


def _smoke(city: City, place: str, state: str, source: str = "urn:x") -> list[dict[str, Any]]:
    return city.hear(SmokeFact(place=place, state=state, ratio=None, **city._when(source)))


def test_sources_of_two_places_within_reach_confirm_each_other(city: Waters) -> None:
    _smoke(city, "market", "pre_alarm", NODE_A)
    flames = FireSeen(
        place="lane", kind="fire", active=True, score=0.9, box=None, **city._when("camera:lane")
    )
    lane, market = city.hear(flames)
    assert [d["place"]["id"] for d in (lane, market)] == ["lane", "market"]
    assert brief([lane, market]) == [("confirmed", "Severe", "Observed")] * 2
    assert {i["source"] for i in lane["evidence"]} == {NODE_A, "camera:lane"}


def test_a_fire_within_reach_opens_nothing_where_nothing_is_seen(city: Waters) -> None:
    documents = _smoke(city, "lane", "alarm")
    assert [d["place"]["id"] for d in documents] == ["lane"]
    assert all(d["place"]["id"] == "lane" for d in city.wait(600))


def test_a_fire_out_of_reach_confirms_nothing(city: Waters) -> None:
    _smoke(city, "market", "pre_alarm", NODE_A)
    assert [d["certainty"] for d in _smoke(city, "far", "alarm")] == ["Possible"]


def test_a_quiet_neighbour_counts_for_the_window_and_no_longer(city: Waters) -> None:
    _smoke(city, "lane", "alarm")
    city.wait(1)
    _smoke(city, "lane", "normal")
    city.wait(301)
    assert brief(_smoke(city, "market", "pre_alarm", NODE_A)) == [
        ("suspected", "Moderate", "Possible")
    ]


def test_a_fire_here_ends_though_a_neighbour_still_burns(city: Waters) -> None:
    _smoke(city, "lane", "alarm")
    (fire, *_) = _smoke(city, "market", "alarm", NODE_A)
    city.acknowledge(fire["id"])
    _smoke(city, "market", "normal", NODE_A)
    documents = city.wait(60)
    assert ("market", "cleared") in [(d["place"]["id"], d["state"]) for d in documents]


def test_a_node_moved_within_reach_still_ends_what_it_began(city: Waters) -> None:
    (fire,) = _smoke(city, "market", "alarm", NODE_A)
    _smoke(city, "lane", "normal", NODE_A)
    (document,) = city.wait(65)
    assert (document["id"], document["state"]) == (fire["id"], "cleared")


def test_gauges_within_reach_agree_only_while_both_are_above(city: Waters) -> None:
    city.water(4100)
    city.water(3000)
    city.wait(60)
    assert brief(city.water(350, "watch", STREET)) == [("suspected", "Moderate", "Possible")]


@given(st.floats(-60, 60), st.floats(-179, 179), st.integers(1, 2000))
def test_places_are_within_reach_exactly_where_their_circles_meet(
    lat: float, lon: float, metres: int
) -> None:
    north = metres / 111_195
    one = Place(id="a", name="a", name_en="a", lat=lat, lon=lon, radius_m=metres // 2)
    for gap, meets in ((0.99, True), (1.02, False)):
        radius = metres - metres // 2
        other = dataclasses.replace(one, id="b", lat=lat + north * gap, radius_m=radius)
        routes = Routes(dataclasses.replace(SITE, places={"a": one, "b": other}, zones={}))
        when = {"at_ms": 0, "received_ms": 0}
        report = Report(source="report:x", place="a", hazard="fire", words="", **when)
        keys = [key for key, _ in routes.of(report, {})]
        assert keys == (["fire:a", "fire:b"] if meets else ["fire:a"])


def test_phones_learn_slowly_how_many_people_they_stand_for() -> None:
    factor = None
    for _ in range(9):
        factor = learn(factor, 200, 100)
    assert not is_learnt(factor)
    factor = learn(factor, 200, 100)
    assert is_learnt(factor)
    assert factor["k"] == pytest.approx(2.0)
    low, people, high = people_of(factor, 90, 100, 110)
    assert people == 200
    assert low < 180
    assert high > 220
    moved = learn(factor, 500, 100)["k"] / factor["k"]
    assert 1 < moved <= 1.1


@given(st.lists(st.tuples(st.floats(10, 1e6), st.integers(5, 10**6)), min_size=1, max_size=60))
def test_the_factor_stays_within_its_bounds_and_its_steps(
    windows: list[tuple[float, int]],
) -> None:
    factor = learn(None, *windows[0])
    for people, devices in windows[1:]:
        before, factor = factor["k"], learn(factor, people, devices)
        assert 0.2 * 0.999 <= factor["k"] <= 5 * 1.001
        assert 1 / 1.1001 <= factor["k"] / before <= 1.1001
    low, people_now, high = people_of(factor, 90, 100, 110)
    assert low <= people_now <= high


def _teach(city: City, count: float, devices: int) -> None:
    for _ in range(12):
        city.crowd(count)
        city.wait(1)
        city.phones(devices)
        city.wait(299)


def test_phones_that_learnt_agree_as_people(city: Waters) -> None:
    _teach(city, 100, 40)
    city.watch_crowd(210, 32)
    (document,) = city.phones(84)
    assert brief([document]) == [("confirmed", "Moderate", "Observed")]
    item = document["evidence"][-1]
    assert (item["source"], item["name"], item["value"]) == (COUNTER, "footfall/people", 210)


def test_phones_that_learnt_disagree_with_far_fewer_and_far_more_people(city: Waters) -> None:
    _teach(city, 100, 40)
    city.watch_crowd(210, 32)
    assert city.phones(30) == []
    assert city.phones(400) == []


def test_the_same_phones_unlearnt_disagree(city: Waters) -> None:
    city.watch_crowd(210, 32)
    assert city.phones(84) == []


def test_what_was_learnt_survives_a_restart_and_quiet_hours(city: Waters) -> None:
    _teach(city, 100, 40)
    city.restart()
    city.watch_crowd(20, 60)
    city.wait(10_000)
    city.watch_crowd(210, 32)
    assert len(city.phones(84)) == 1


def test_a_crowd_that_grows_fast_is_told_so_and_no_longer_when_it_stands(city: Waters) -> None:
    documents = []
    for second in range(0, 180, 2):
        documents += city.crowd(210 + second / 2)
        documents += city.wait(2)
    assert [d["urgency"] for d in documents] == ["Expected", "Immediate"]
    assert documents[-1]["headline"]["vi"].endswith("đang tăng nhanh")
    documents = city.watch_crowd(300, 400)
    assert [d["urgency"] for d in documents] == ["Expected"]


def test_a_crowd_that_grows_slowly_is_not_called_growing(city: Waters) -> None:
    documents = []
    for second in range(0, 180, 2):
        documents += city.crowd(210 + second / 20)
        documents += city.wait(2)
    assert [d["urgency"] for d in documents] == ["Expected"]
