"""Water to come: what rises fast here, and what is high upstream."""

import dataclasses

import pytest
from alarm_city import GAUGE, STREET, brief
from alarm_people import CITY, UPPER, Waters
from haidang_gateway.site import Edition, Level


def test_water_that_will_reach_a_level_within_the_lead_time_is_told_when_it_held(
    waters: Waters,
) -> None:
    # 400 mm at 800 mm/h are 1,800 s: the very edge of the lead time.
    assert waters.rise(3600, 800) == []
    (document,) = waters.wait(30)
    assert brief([document]) == [("suspected", "Moderate", "Possible")]
    assert document["urgency"] == "Expected"
    assert document["headline"] == {
        "vi": "Mực nước tại Sông Mã đang lên 0,8 m/giờ: đạt mức báo động sau khoảng 30 phút",
        "en": "Water at Ma river rises by 0.8 m/h: an alert level in about 30 min",
    }
    rate = document["evidence"][1]
    assert (rate["name"], rate["value"], rate["unit"]) == ("flood/rate", 800, "mm/h")


@pytest.mark.parametrize(("level_mm", "rate"), [(3599, 800), (3600, 799), (3990, 9), (3990, None)])
def test_water_that_rises_more_slowly_raises_nothing(
    waters: Waters, level_mm: int, rate: int | None
) -> None:
    assert waters.rise(level_mm, rate) == []
    assert waters.wait(60) == []


def test_one_fast_reading_alone_raises_nothing(waters: Waters) -> None:
    waters.rise(3900, 3000)
    waters.wait(29)
    assert waters.rise(3900, 0) == []
    assert waters.wait(600) == []


def test_water_that_stops_rising_is_over_after_five_minutes(waters: Waters) -> None:
    waters.rise(3900, 800)
    waters.wait(30)
    assert waters.rise(3900, 0) == []
    assert waters.wait(299) == []
    (document,) = waters.wait(1)
    assert document["state"] == "cleared"


def test_a_forecast_becomes_the_flood_of_the_same_alarm(waters: Waters) -> None:
    waters.rise(3900, 800)
    (coming,) = waters.wait(30)
    (flood,) = waters.rise(4050, 800)
    assert flood["id"] == coming["id"]
    # The next level is 1,450 mm away now.
    assert flood["headline"]["vi"].startswith("Mực nước tại Sông Mã trên báo động I: 4,05 m")


def test_rising_above_a_level_names_the_time_to_the_next(waters: Waters) -> None:
    waters.rise(5000, 1000)
    documents = waters.wait(30)
    assert documents[-1]["headline"]["en"] == (
        "Water at Ma river above alert level I: 5.00 m, next level in about 30 min"
    )
    assert documents[-1]["urgency"] == "Immediate"


def test_above_the_last_level_there_is_no_next(waters: Waters) -> None:
    waters.rise(7000, 5000)
    (document,) = waters.wait(30)
    assert "next level" not in document["headline"]["en"]


def test_a_street_node_brings_its_own_time_to_the_next_level(waters: Waters) -> None:
    fact = {"source": STREET, "state": "normal", "to_next_s": 600}
    assert waters.rise(120, 300, **fact) == []
    (document,) = waters.wait(30)
    assert document["headline"]["vi"].endswith("0,3 m/giờ: đạt mức theo dõi sau khoảng 10 phút")


def test_high_water_upstream_tells_when_it_is_expected_below(waters: Waters) -> None:
    upstream = waters.upper(4100)
    assert [d["place"]["id"] for d in upstream] == ["hill"]
    documents = waters.wait(30)
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


def test_a_wave_upstream_shorter_than_the_window_is_not_passed_on(waters: Waters) -> None:
    waters.upper(4100)
    waters.wait(29)
    waters.upper(3000)
    assert all(d["place"]["id"] == "hill" for d in waters.wait(9000))


def test_what_came_down_or_passed_by_is_over_after_half_as_long_again(waters: Waters) -> None:
    waters.upper(4100)
    waters.wait(600)
    waters.upper(3000)
    waters.restart()
    documents = waters.wait(8099)
    assert all(d["place"]["id"] == "hill" for d in documents)
    (document,) = waters.wait(1)
    assert (document["place"]["id"], document["state"]) == ("river", "cleared")


def test_high_water_below_does_not_warn_upstream(waters: Waters) -> None:
    waters.water(4100)
    documents = waters.wait(600)
    assert all(d["place"]["id"] == "river" for d in documents)


def test_levels_count_from_their_day_on(waters: Waters) -> None:
    def edition(mm: int, days: int) -> Edition:
        level = Level(name="watch", mm=mm, severity="Moderate")
        return Edition(
            levels=(level,), from_ms=waters.now_ms + days * 86_400_000, document=f"QĐ {mm}"
        )

    editions = (edition(4000, -10), edition(3000, 1), edition(9000, -900))
    waters.restart(dataclasses.replace(CITY, gauges={GAUGE: editions}))
    assert waters.water(3500) == []
    waters.wait(86_400)
    assert len(waters.water(3500)) == 1


def test_levels_without_a_decision_are_not_called_official(waters: Waters) -> None:
    own = Edition(levels=CITY.gauges[GAUGE][0].levels)
    waters.restart(dataclasses.replace(CITY, gauges={GAUGE: (own,)}))
    (document,) = waters.water(4100)
    assert document["headline"]["vi"] == "Ngập tại Sông Mã - mức theo dõi: 4,10 m"
