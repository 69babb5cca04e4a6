"""A fire at one place: first suspicion, verification, second source, and how it ends."""

from alarm_city import EAST, NODE_A, NODE_B, WEST, City, brief

SUSPECTED = ("suspected", "Severe", "Possible")
LIKELY = ("confirmed", "Severe", "Likely")
OBSERVED = ("confirmed", "Severe", "Observed")


def test_a_node_in_alarm_is_suspected_at_once(city: City) -> None:
    (document,) = city.smoke("alarm")
    assert brief([document]) == [SUSPECTED]
    assert document["rev"] == 1
    assert document["prev"] is None
    assert document["id"] == "gw-01-5f3a9c1e-0001"
    assert document["headline"]["vi"] == "Nghi cháy tại Chợ Cột Đỏ - đang xác minh"
    assert document["evidence"] == [
        {
            "source": NODE_A,
            "kind": "smoke",
            "name": "smoke/ratio",
            "value": 0.41,
            "unit": "/",
            "time": "2025-11-24T23:00:00.000+07:00",
        }
    ]


def test_an_alarm_held_through_the_window_is_confirmed_by_the_timer(city: City) -> None:
    city.smoke("alarm")
    assert city.wait(59.9) == []
    (document,) = city.wait(0.1)
    assert brief([document]) == [LIKELY]
    assert document["updated"] == "2025-11-24T23:01:00.000+07:00"
    assert document["onset"] == "2025-11-24T23:00:00.000+07:00"


def test_first_smoke_alone_is_never_confirmed_by_time(city: City) -> None:
    (document,) = city.smoke("pre_alarm")
    assert brief([document]) == [("suspected", "Moderate", "Possible")]
    assert city.wait(3600) == []


def test_the_verification_window_starts_with_the_alarm_not_with_first_smoke(city: City) -> None:
    city.smoke("pre_alarm")
    city.wait(50)
    assert brief(city.smoke("alarm")) == [SUSPECTED]
    assert city.wait(59) == []
    assert brief(city.wait(1)) == [LIKELY]


def test_a_second_node_confirms_at_once(city: City) -> None:
    city.smoke("alarm")
    city.wait(5)
    (document,) = city.smoke("alarm", NODE_B)
    assert brief([document]) == [OBSERVED]
    assert {item["source"] for item in document["evidence"]} == {NODE_A, NODE_B}


def test_flames_confirm_a_node_that_only_smells_first_smoke(city: City) -> None:
    city.smoke("pre_alarm")
    (document,) = city.flames()
    assert brief([document]) == [OBSERVED]
    assert document["evidence"][-1] == {
        "source": EAST,
        "kind": "fire",
        "score": 0.91,
        "box": [0.31, 0.4, 0.12, 0.2],
        "time": "2025-11-24T23:00:00.000+07:00",
    }


def test_flames_alone_are_verified_like_a_node(city: City) -> None:
    assert brief(city.flames()) == [SUSPECTED]
    assert brief(city.wait(60)) == [LIKELY]


def test_smoke_in_the_picture_alone_is_never_more_than_suspected(city: City) -> None:
    assert brief(city.flames(kind="smoke")) == [("suspected", "Moderate", "Possible")]
    assert city.wait(3600) == []


def test_smoke_in_the_picture_confirms_a_node_in_alarm(city: City) -> None:
    city.flames(kind="smoke")
    assert brief(city.smoke("alarm")) == [OBSERVED]


def test_flames_and_smoke_of_one_camera_are_one_source(city: City) -> None:
    city.flames(kind="smoke")
    assert brief(city.flames()) == [SUSPECTED]


def test_two_cameras_that_see_flames_are_two_sources(city: City) -> None:
    city.flames(source=EAST)
    assert brief(city.flames(source=WEST)) == [OBSERVED]


def test_two_weak_sources_are_likely_but_not_confirmed(city: City) -> None:
    city.smoke("pre_alarm")
    documents = city.flames(kind="smoke")
    assert brief(documents) == [("suspected", "Moderate", "Likely")]
    assert city.wait(3600) == []


def test_a_confirmed_fire_becomes_observed_by_a_late_second_source(city: City) -> None:
    city.smoke("alarm")
    city.wait(120)
    assert brief(city.flames()) == [OBSERVED]


def test_a_source_that_went_quiet_counts_inside_the_fusion_window(city: City) -> None:
    city.smoke("alarm")
    city.wait(10)
    city.smoke("normal")
    city.wait(20)
    assert brief(city.flames()) == [OBSERVED]


def test_an_alarm_that_is_over_and_smoke_in_the_picture_are_two_sources(city: City) -> None:
    city.smoke("alarm")
    city.wait(10)
    city.smoke("normal")
    assert brief(city.flames(kind="smoke")) == [OBSERVED]


def test_a_source_quiet_for_longer_than_the_fusion_window_does_not_count(city: City) -> None:
    city.flames(kind="smoke")
    city.smoke("pre_alarm")
    city.smoke("normal")
    city.wait(301)
    assert brief(city.flames()) == [("suspected", "Severe", "Likely")]


def test_a_third_source_is_a_revision_of_its_own(city: City) -> None:
    city.smoke("alarm")
    city.smoke("alarm", NODE_B)
    (document,) = city.flames()
    assert brief([document]) == [OBSERVED]
    assert len(document["evidence"]) == 3


def test_suspicion_without_confirmation_is_cleared_when_quiet_holds(city: City) -> None:
    city.smoke("alarm")
    city.wait(10)
    assert city.smoke("normal") == []
    assert city.wait(59) == []
    (document,) = city.wait(1)
    assert document["state"] == "cleared"
    assert document["urgency"] == "Past"
    assert document["cleared"] == document["updated"] == "2025-11-24T23:01:10.000+07:00"
    assert document["headline"]["en"].endswith("never confirmed")


def test_a_quiet_word_is_idle_until_something_of_a_fire_is_known(city: City) -> None:
    assert city.rules.is_idle("market", "normal")
    assert not any(city.rules.is_idle("market", state) for state in ("pre_alarm", "alarm"))
    city.flames()
    assert not city.rules.is_idle("market", "normal"), "it may make the fire less certain"
    city.restart()
    assert not city.rules.is_idle("market", "normal"), "nor does a restart forget that"


def test_a_confirmed_fire_stays_until_acknowledged_and_quiet(city: City) -> None:
    city.smoke("alarm")
    city.wait(60)
    city.smoke("normal")
    assert city.wait(7200) == []
    (document,) = city.acknowledge("gw-01-5f3a9c1e-0001")
    assert document["state"] == "cleared"
    assert document["ack"]["by"] == "trực ban 1"


def test_acknowledging_a_burning_fire_does_not_end_it(city: City) -> None:
    city.smoke("alarm")
    city.wait(60)
    (document,) = city.acknowledge("gw-01-5f3a9c1e-0001")
    assert (document["state"], document["ack"]["at"]) == (
        "confirmed",
        "2025-11-24T23:01:00.000+07:00",
    )
    assert city.wait(3600) == []
    city.smoke("normal")
    assert city.wait(59) == []
    assert [d["state"] for d in city.wait(1)] == ["cleared"]


def test_a_second_acknowledgement_changes_nothing(city: City) -> None:
    city.smoke("alarm")
    assert len(city.acknowledge("gw-01-5f3a9c1e-0001")) == 1
    city.wait(5)
    assert city.acknowledge("gw-01-5f3a9c1e-0001") == []
    assert city.acknowledge("gw-01-5f3a9c1e-0999") == []


def test_a_node_that_falls_silent_in_alarm_is_confirmed_and_never_quiet(city: City) -> None:
    city.smoke("alarm")
    city.silence()
    states = [d["state"] for d in city.wait(60) if d["hazard"] == "fire"]
    assert states == ["confirmed"]
    city.acknowledge("gw-01-5f3a9c1e-0001")
    assert not [d for d in city.wait(7200) if d["hazard"] == "fire"]


def test_a_heating_sensor_ends_nothing(city: City) -> None:
    city.smoke("alarm")
    city.wait(10)
    assert city.smoke("warming") == []
    assert brief(city.wait(50)) == [LIKELY]


def test_a_new_fire_after_the_end_is_a_new_alarm(city: City) -> None:
    city.smoke("alarm")
    city.smoke("normal")
    city.wait(60)
    (document,) = city.smoke("alarm", NODE_B)
    assert (document["id"], document["rev"]) == ("gw-01-5f3a9c1e-0002", 1)
    assert brief([document]) == [SUSPECTED]
    assert [item["source"] for item in document["evidence"]] == [NODE_B]


def test_a_flickering_detector_makes_no_storm_and_is_confirmed_as_repeated(city: City) -> None:
    documents = []
    for _ in range(60):
        documents += city.smoke("alarm")
        documents += city.wait(5)
        documents += city.smoke("normal")
        documents += city.wait(5)
    assert brief(documents) == [SUSPECTED, LIKELY]


def test_repeated_snapshots_make_no_revision(city: City) -> None:
    city.smoke("alarm")
    city.wait(60)
    for _ in range(30):
        assert city.smoke("alarm") == []
        assert city.wait(60) == []


def test_health_tells_what_the_sources_of_the_place_could_see(city: City) -> None:
    city.health("ok")
    city.health("open", source=NODE_B)
    city.health("ok", sensor="camera", source=EAST)
    (document,) = city.smoke("alarm")
    assert document["health"] == {"smoke": "open", "camera": "ok"}


def test_each_revision_names_the_bytes_of_the_one_before(city: City) -> None:
    city.smoke("alarm")
    city.wait(60)
    first, second = city.revisions
    assert city.documents[1]["prev"] == f"sha256:{first.sha256}" != second.sha256
