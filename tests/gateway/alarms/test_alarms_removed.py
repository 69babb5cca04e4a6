"""Sources that were taken out of the configuration, or moved, while an alarm was up."""

import dataclasses

from alarm_city import NODE_A, NODE_B, SITE, STREET, WEST, City, brief
from alarm_people import CITY, Waters


def test_a_source_taken_out_of_the_configuration_holds_and_confirms_no_fire(city: City) -> None:
    (fire,) = city.smoke("alarm")
    city.wait(61)
    city.acknowledge(fire["id"])
    # It has burnt, and another one hangs in its place.
    left = {source: place for source, place in SITE.node_places.items() if source != NODE_A}
    city.restart(dataclasses.replace(SITE, node_places=left))
    (over,) = city.smoke("normal", NODE_B)
    assert (over["id"], over["state"]) == (fire["id"], "cleared")
    assert brief(city.smoke("pre_alarm", NODE_B)) == [("suspected", "Moderate", "Possible")]


def test_a_fire_that_nobody_acknowledged_outlives_the_source_that_saw_it(city: City) -> None:
    (fire,) = city.flames()
    city.wait(61)
    city.restart(dataclasses.replace(SITE, camera_places={WEST: "market"}))
    assert city.smoke("normal", NODE_B) == []
    assert [alarm.alarm_id for alarm in city.rules.open_alarms()] == [fire["id"]]


def test_a_gauge_that_was_moved_confirms_nothing_at_its_old_place(
    waters: Waters,
) -> None:
    waters.rise(350, None, state="watch", source=STREET)
    elsewhere = {**CITY.node_places, STREET: "hill"}
    waters.restart(dataclasses.replace(CITY, node_places=elsewhere))
    waters.rise(350, None, state="watch", source=STREET, place="hill")
    assert brief(waters.rise(4100, None)) == [("suspected", "Moderate", "Possible")]


def test_a_gauge_that_was_taken_out_confirms_nothing(waters: Waters) -> None:
    waters.rise(350, None, state="watch", source=STREET)
    left = {source: place for source, place in CITY.node_places.items() if source != STREET}
    waters.restart(dataclasses.replace(CITY, node_places=left))
    assert brief(waters.rise(4100, None)) == [("suspected", "Moderate", "Possible")]
