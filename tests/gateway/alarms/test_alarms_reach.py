"""Sources of neighbouring places: fires within reach confirm each other, and no more."""

import dataclasses
from typing import Any

from alarm_city import NODE_A, SITE, STREET, City, brief
from alarm_people import Waters
from haidang_gateway.alarms.routes import Routes
from haidang_gateway.model import FireSeen, Report, SmokeFact
from haidang_gateway.site import Place
from hypothesis import given
from hypothesis import strategies as st


def _smoke(waters: City, place: str, state: str, source: str = "urn:x") -> list[dict[str, Any]]:
    return waters.hear(SmokeFact(place=place, state=state, ratio=None, **waters._when(source)))


def test_sources_of_two_places_within_reach_confirm_each_other(waters: Waters) -> None:
    _smoke(waters, "market", "pre_alarm", NODE_A)
    flames = FireSeen(
        place="lane", kind="fire", active=True, score=0.9, box=None, **waters._when("camera:lane")
    )
    lane, market = waters.hear(flames)
    assert [d["place"]["id"] for d in (lane, market)] == ["lane", "market"]
    assert brief([lane, market]) == [("confirmed", "Severe", "Observed")] * 2
    assert {i["source"] for i in lane["evidence"]} == {NODE_A, "camera:lane"}


def test_a_fire_within_reach_opens_nothing_where_nothing_is_seen(waters: Waters) -> None:
    documents = _smoke(waters, "lane", "alarm")
    assert [d["place"]["id"] for d in documents] == ["lane"]
    assert all(d["place"]["id"] == "lane" for d in waters.wait(600))


def test_a_fire_out_of_reach_confirms_nothing(waters: Waters) -> None:
    _smoke(waters, "market", "pre_alarm", NODE_A)
    assert [d["certainty"] for d in _smoke(waters, "far", "alarm")] == ["Possible"]


def test_a_quiet_neighbour_counts_for_the_window_and_no_longer(waters: Waters) -> None:
    _smoke(waters, "lane", "alarm")
    waters.wait(1)
    _smoke(waters, "lane", "normal")
    waters.wait(301)
    assert brief(_smoke(waters, "market", "pre_alarm", NODE_A)) == [
        ("suspected", "Moderate", "Possible")
    ]


def test_a_fire_here_ends_though_a_neighbour_still_burns(waters: Waters) -> None:
    _smoke(waters, "lane", "alarm")
    (fire, *_) = _smoke(waters, "market", "alarm", NODE_A)
    waters.acknowledge(fire["id"])
    _smoke(waters, "market", "normal", NODE_A)
    documents = waters.wait(60)
    assert ("market", "cleared") in [(d["place"]["id"], d["state"]) for d in documents]


def test_a_node_moved_within_reach_still_ends_what_it_began(waters: Waters) -> None:
    (fire,) = _smoke(waters, "market", "alarm", NODE_A)
    _smoke(waters, "lane", "normal", NODE_A)
    (document,) = waters.wait(65)
    assert (document["id"], document["state"]) == (fire["id"], "cleared")


def test_gauges_within_reach_agree_only_while_both_are_above(waters: Waters) -> None:
    waters.water(4100)
    waters.water(3000)
    waters.wait(60)
    assert brief(waters.water(350, "watch", STREET)) == [("suspected", "Moderate", "Possible")]


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
