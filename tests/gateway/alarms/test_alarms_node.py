"""What a node or the broker says of itself: safe mode, a weak supply, a broker that is away."""

import pytest
from alarm_city import RAISED, City, brief
from haidang_gateway.alarms import device


def test_a_node_in_safe_mode_is_an_alarm_and_blind_until_it_runs_normally(city: City) -> None:
    city.health("ok")
    (document,) = city.mode("safe")
    assert brief([document]) == [RAISED]
    assert document["health"] == {"smoke": "silent"}
    assert document["headline"] == {
        "vi": "Nút n-240ac4000001 tại Chợ Cột Đỏ ở chế độ an toàn: cảm biến không được đọc",
        "en": "Node n-240ac4000001 at Cot Do market is in safe mode: its sensors are not read",
    }
    assert document["evidence"][0]["name"] == "node/mode"
    assert document["evidence"][0]["value"] == "safe"
    assert city.heard() == [], "its messages are signs of life, not of sight"
    city.wait(3600)
    city.mode("normal")
    (cleared,) = city.wait(30)
    assert (cleared["id"], cleared["state"]) == (document["id"], "cleared")
    assert cleared["headline"]["en"] == "Node n-240ac4000001 at Cot Do market runs normally again"
    assert cleared["health"] == {"smoke": "ok"}


@pytest.mark.parametrize("mode", ["normal", "trial", "sleep", "a mode of tomorrow"])
def test_modes_in_which_sensors_are_read_raise_nothing(city: City, mode: str) -> None:
    assert city.mode(mode) == []
    assert city.stored == {}


def test_a_node_that_tries_and_fails_again_makes_no_storm(city: City) -> None:
    documents = []
    for _ in range(50):
        documents += city.mode("safe") + city.wait(10) + city.mode("normal") + city.wait(10)
    assert brief(documents) == [RAISED]


def test_safe_mode_without_known_sensors_is_shown_as_a_blind_node(city: City) -> None:
    (document,) = city.mode("safe")
    assert document["health"] == {"node": "silent"}


def test_a_pack_cannot_claim_the_nodes_own_words(city: City) -> None:
    assert city.health("safe") == []
    assert city.health("open", "node") == []


def test_a_broker_that_is_away_is_one_alarm_and_every_node_is_blind(city: City) -> None:
    city.health("ok")
    (document,) = city.silence("gateway:gw-01")
    assert brief([document]) == [("confirmed", "Moderate", "Observed")]
    assert document["headline"]["en"] == (
        "The gateway's broker of gw-01 is away: no Wi-Fi node can be heard"
    )
    assert document["health"] == {"smoke": "silent"}
    (fire,) = city.flames()
    assert fire["health"]["smoke"] == "silent", "an operator must not take it for all clear"
    city.heard("gateway:gw-01")
    (cleared,) = city.wait(30)
    assert cleared["headline"]["en"] == "The gateway's broker of gw-01 is back"
    assert cleared["health"]["smoke"] == "ok"


def test_a_node_on_a_wire_still_sees_while_the_broker_is_away() -> None:
    states = [
        {"source": source, "sensor": sensor, "word": "ok"}
        for source, sensor in (("radio", "smoke"), ("wire", "flood"))
    ]
    health = device.health_of(states, cut_off=True, wired={"wire"})
    assert health == {"smoke": "silent", "flood": "ok"}


def test_a_battery_that_runs_down_is_news_before_the_silence(city: City) -> None:
    assert city.power("ok") == []
    (document,) = city.power("low")
    assert brief([document]) == [RAISED]
    assert document["headline"]["vi"] == (
        "Nguồn điện của nút n-240ac4000001 tại Chợ Cột Đỏ yếu: "
        "sắp hết pin hoặc hỏng bộ nguồn, có thể sắp mất liên lạc"
    )
    assert document["evidence"][0]["name"] == "node/power"
    assert document["evidence"][0]["value"] == "low"
    assert document["health"] == {}, "what the node sees is not worse for it"
    (silence,) = city.silence()
    assert silence["id"] != document["id"]
    assert silence["health"] == {"node": "silent"}


def test_a_battery_that_is_replaced_ends_its_alarm_also_after_a_restart(city: City) -> None:
    (low,) = city.power("low")
    city.restart()
    city.wait(600)
    assert city.power("ok") == []
    (over,) = city.wait(30)
    assert (over["id"], over["state"]) == (low["id"], "cleared")
    assert over["headline"]["en"] == (
        "The supply of node n-240ac4000001 at Cot Do market is well again"
    )


def test_a_supply_at_the_edge_makes_no_storm(city: City) -> None:
    documents = []
    for _ in range(50):
        documents += city.power("low")
        documents += city.wait(10)
        documents += city.power("ok")
        documents += city.wait(10)
    assert brief(documents) == [RAISED]


def test_a_supply_too_high_is_told_as_such_when_it_holds(city: City) -> None:
    city.power("low")
    assert city.power("high", age_s=-1) == []
    city.wait(1)
    (document,) = city.wait(30)
    assert "too high: cut it off" in document["headline"]["en"]
    assert document["rev"] == 2


def test_no_other_word_of_a_supply_and_no_sensor_called_power_raises_anything(city: City) -> None:
    assert city.power("full") == city.power("silent") == city.power("safe") == []
    assert city.health("low", "power") == city.health("low") == []
    assert city.stored == {}
