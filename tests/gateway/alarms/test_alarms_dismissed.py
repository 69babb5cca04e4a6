"""False alarms are dismissed and rest; faults are shelved for a while and told at its end."""

from alarm_city import NODE_A, NODE_B, brief
from alarm_people import HOUR_S, People, Waters


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


def test_a_source_that_rested_is_heard_though_a_stuck_one_of_the_same_alarm_is_not(
    city: People,
) -> None:
    (stuck,) = city.smoke("alarm", NODE_A)
    city.dismiss(stuck["id"])
    (other,) = city.smoke("alarm", NODE_B)
    city.dismiss(other["id"])
    assert city.smoke("alarm", NODE_B) == []
    assert city.smoke("normal", NODE_B) == []
    city.restart()
    assert city.smoke("alarm", NODE_A) == []
    assert city.wait(3600) == []
    (fire,) = city.smoke("alarm", NODE_B)
    assert brief([fire]) == [("confirmed", "Severe", "Observed")]


def test_water_that_comes_breaks_the_dismissal_of_its_forecast(waters: Waters) -> None:
    waters.rise(3500, 2000)
    (coming,) = waters.wait(30)
    waters.dismiss(coming["id"])
    assert waters.rise(3900, 2000) == []
    assert waters.wait(60) == []
    (flood,) = waters.rise(4100, 2000)
    assert brief([flood]) == [("suspected", "Moderate", "Possible")]
    waters.dismiss(flood["id"])
    assert waters.rise(4200, 2000) == []


def test_a_gauge_upstream_that_stays_high_does_not_hide_the_next_flood(waters: Waters) -> None:
    waters.rise(4100, None)
    waters.upper(5000)
    (both, *_) = waters.wait(30)
    waters.dismiss(both["id"])
    waters.rise(3000, None)
    assert waters.wait(86_400) == []
    (flood,) = waters.rise(4100, None)
    assert flood["id"] != both["id"]


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


def test_another_fault_of_a_device_is_told_though_the_first_was_dismissed(city: People) -> None:
    (noisy,) = city.health("noisy")
    city.dismiss(noisy["id"])
    assert city.health("noisy") == []
    (blind,) = city.health("open")
    assert blind["id"] != noisy["id"]
    assert blind["headline"]["en"].endswith("broken wire")
    city.dismiss(blind["id"])
    assert city.wait(3600) == []


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
