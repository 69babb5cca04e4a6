"""Evidence that comes late, twice or after a restart: what it still says about a fire."""

from alarm_city import NODE_B, START_MS, City, brief

SUSPECTED = ("suspected", "Severe", "Possible")
LIKELY = ("confirmed", "Severe", "Likely")
OBSERVED = ("confirmed", "Severe", "Observed")


def test_evidence_older_than_ten_minutes_opens_only_with_a_fresh_word(city: City) -> None:
    assert city.smoke("alarm", age_s=660) == []
    assert city.wait(120) == []
    (document,) = city.smoke("alarm")
    assert brief([document]) == [LIKELY]
    assert document["onset"] == "2025-11-24T22:49:00.000+07:00"


def test_stale_evidence_is_no_second_source(city: City) -> None:
    city.smoke("alarm", age_s=660)
    assert brief(city.flames()) == [SUSPECTED]


def test_a_source_time_in_the_future_counts_as_now(city: City) -> None:
    (document,) = city.smoke("alarm", age_s=-3600)
    assert document["onset"] == document["updated"] == "2025-11-24T23:00:00.000+07:00"
    city.wait(10)
    city.smoke("normal")
    assert [d["state"] for d in city.wait(60)] == ["cleared"]


def test_a_backlog_is_heard_out_before_its_window_is_judged(city: City) -> None:
    documents = city.smoke("alarm", age_s=120)
    documents += city.wait(4)
    documents += city.smoke("normal", age_s=100)
    documents += city.wait(60)
    assert [d["state"] for d in documents] == ["suspected", "cleared"]


def test_a_backlog_that_ends_quiet_is_told_and_cleared(city: City) -> None:
    documents = city.smoke("alarm", age_s=120)
    documents += city.smoke("normal", age_s=100)
    documents += city.wait(60)
    assert [d["state"] for d in documents] == ["suspected", "cleared"]


def test_a_backlog_of_an_alarm_that_held_is_confirmed_though_it_is_over(city: City) -> None:
    documents = city.smoke("alarm", age_s=200)
    documents += city.smoke("normal", age_s=100)
    documents += city.wait(3600)
    assert brief(documents) == [SUSPECTED, LIKELY]


def test_a_word_that_a_newer_one_overtook_changes_nothing(city: City) -> None:
    city.smoke("alarm")
    city.wait(30)
    city.smoke("alarm")
    assert city.smoke("normal", age_s=20) == []
    assert brief(city.wait(30)) == [LIKELY]


def test_a_crash_inside_the_window_forgets_nothing(city: City) -> None:
    city.smoke("alarm")
    city.wait(30)
    city.restart()
    city.now_ms += 10_000
    assert brief(city.wait(20)) == [LIKELY]


def test_a_timer_beyond_its_window_is_pulled_in_when_the_wall_clock_was_lost(city: City) -> None:
    city.smoke("alarm")
    city.restart()
    city.now_ms = START_MS - 40 * 86_400_000
    documents = city.wait(66)
    assert brief(documents) == [LIKELY]
    assert documents[0]["updated"].startswith("2025-10-15")
    (document,) = city.smoke("alarm", NODE_B)
    assert brief([document]) == [OBSERVED]


def test_a_node_is_heard_again_after_the_wall_clock_was_lost(city: City) -> None:
    city.smoke("alarm")
    city.restart()
    city.now_ms = START_MS - 40 * 86_400_000
    city.smoke("normal")
    assert [d["state"] for d in city.wait(65)] == ["cleared"]


def test_a_new_detection_after_the_wall_clock_was_lost_has_its_own_window(city: City) -> None:
    city.smoke("alarm")
    city.wait(10)
    city.smoke("normal")
    city.restart()
    city.now_ms = START_MS - 40 * 86_400_000
    city.smoke("alarm")
    assert city.wait(59) == []
    assert brief(city.wait(1)) == [LIKELY]
